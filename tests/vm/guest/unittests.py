# SPDX-License-Identifier: Apache-2.0
"""Runs one file of unittest tests in the guest; one line per test, as it ends:
ok NAME | not ok NAME | ok NAME # SKIP reason, details in lines that begin with "# "."""
import faulthandler
import importlib.util
import sys
import time
import unittest


class Lines(unittest.TestResult):
    """Prints every outcome at once: what was printed survives a crash of the guest."""

    def __init__(self):
        super().__init__()
        self.bad = 0
        self.spoilt = False

    @staticmethod
    def say(verdict, test, note='', details=''):
        print(f'{verdict} {test.id().replace(" ", "_")}{note}')
        for line in details.splitlines():
            print('# ' + line)
        sys.stdout.flush()

    def fail(self, test, error):
        self.bad += 1
        self.spoilt = True
        self.say('not ok', test, details=self._exc_info_to_string(error, test))

    def startTest(self, test):
        super().startTest(test)
        self.spoilt = False
        self.begin = time.monotonic()

    def addSuccess(self, test):
        if not self.spoilt:
            self.say('ok', test, f' # {time.monotonic() - self.begin:.1f} s')

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.fail(subtest, err)

    def addError(self, test, err):
        self.fail(test, err)

    def addFailure(self, test, err):
        self.fail(test, err)

    def addSkip(self, test, reason):
        self.say('ok', test, ' # SKIP ' + ' '.join(reason.split()))

    def addExpectedFailure(self, test, err):
        self.say('ok', test, ' # fails, as expected')

    def addUnexpectedSuccess(self, test):
        self.bad += 1
        self.say('not ok', test, ' # succeeds, unexpectedly')


def main(path, limit, names):
    # Shortly before the guest is ended for lateness: where every thread is.
    faulthandler.dump_traceback_later(limit, file=sys.stdout)
    name = path.rsplit('/', 1)[-1].removesuffix('.py')
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    loader = unittest.TestLoader()
    loader.testNamePatterns = [f'*{n}*' for n in names] or None
    result = Lines()
    loader.loadTestsFromModule(module).run(result)
    faulthandler.cancel_dump_traceback_later()
    if not result.testsRun and not result.bad and not result.skipped and not names:
        print('not ok', name, '# no tests')
        return 1
    return 1 if result.bad else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1], float(sys.argv[2]), sys.argv[3:]))
