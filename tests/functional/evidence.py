# SPDX-License-Identifier: Apache-2.0
"""Evidence, fetched from aaeld and verified without any code of the helper.

    verify_tpm(fetch(daemon, b'nonce'), b'nonce').texts()

Whatever is wrong with a piece of evidence raises Refused. Signatures are OpenSSL's and
tpm2_checkquote's to check; the emulated quotes of TDX have none.
"""
import base64
import hashlib
import json
import os
import struct
import subprocess
import threading
import urllib.parse

import aael
import device
import quotes
from quotes import MARK, PCRS, SHA256, SHA384, Attest, Refused, demand

QUOTED = 14  # the PCR of the log
AK = '0x81010002'


def ask(daemon, data, **more):
    """The answer to GET /aa/evidence with those bytes"""
    text = base64.urlsafe_b64encode(data).rstrip(b'=').decode()
    return daemon.get(f'/aa/evidence?runtime_data={text}&encoding=base64', **more)


def fetch(daemon, data):
    answer = ask(daemon, data)
    assert answer.status == 200, answer
    assert answer.headers['content-type'] == 'application/octet-stream', answer
    return json.loads(answer.body)


def log_of(evidence):
    log = quotes.parse_log(quotes.decode(evidence['cc_eventlog']))
    demand(not quotes.belied(log), 'a text that is not that of its digest')
    return log


def command(*words):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    demand(done.returncode == 0, f'{words[0]}: {done.stdout.decode()}')


def keep(name, data):
    with open(name, 'wb') as file:
        file.write(data)
    return name


def check_signature(message, signature, public, nonce):
    """By OpenSSL over the bytes, and by tpm2_checkquote."""
    raw = quotes.rsassa(signature)
    folder = f'/tmp/quote.{threading.get_ident()}.'
    keep(folder + 'der', public)
    command('openssl', 'pkey', '-pubin', '-inform', 'DER', '-in', folder + 'der', '-out', folder + 'pem')
    keep(folder + 'message', message)
    keep(folder + 'signature', signature)
    keep(folder + 'raw', raw)
    command('openssl', 'dgst', '-sha256', '-verify', folder + 'pem', '-signature', folder + 'raw',
            folder + 'message')
    command('tpm2_checkquote', '-u', folder + 'pem', '-m', folder + 'message', '-s',
            folder + 'signature', '-g', 'sha256', '-q', nonce.hex())


def verify_tpm(evidence, data, public=None, checked=True):
    """Returns the log, having believed it. public: the AK that is trusted."""
    quote = evidence['tpm_quote']
    demand(set(evidence) == {'tpm_quote', 'ak_public', 'cc_eventlog'}, 'other members')
    demand(set(quote) == {'signature', 'message', 'pcrs'}, 'other members of the quote')
    message, signature, key = (quotes.decode(text) for text in (
        quote['message'], quote['signature'], evidence['ak_public']))
    demand(public in (None, key), 'another AK')
    nonce = data[:32].ljust(32, b'\0')
    if checked:
        check_signature(message, signature, key, nonce)
    attest = Attest(message)
    demand(attest.nonce == nonce, 'another nonce')
    pcrs = [bytes.fromhex(value) for value in quote['pcrs']]
    demand(len(pcrs) == PCRS and all(len(value) == 32 for value in pcrs), 'not 24 values')
    demand(hashlib.sha256(b''.join(pcrs)).digest() == attest.digest, 'PCRs that were not quoted')
    log = log_of(evidence)
    demand(aael.replay(log.entries, QUOTED, SHA256) == pcrs[QUOTED], 'the log does not replay')
    return log


def verify_tdx(evidence, data):
    """Returns the log's entries, having believed it: all four RTMRs, from zero, by Trustee's rule."""
    demand(set(evidence) == {'cc_eventlog', 'quote'}, 'other members')
    quote = quotes.Quote(quotes.decode(evidence['quote']))
    demand(quote.report_data == data.ljust(64, b'\0'), 'another nonce')
    entries = [] if evidence['cc_eventlog'] is None else log_of(evidence).entries
    for n, value in enumerate(quote.rtmrs):
        demand(aael.replay(entries, n + 1, SHA384, 'trustee') == value, f'RTMR{n} does not replay')
    return entries


def verified_by_aaelctl(evidence):
    """Exit code and output of aaelctl verify --evidence."""
    keep('/tmp/evidence', json.dumps(evidence).encode())
    done = subprocess.run(['aaelctl', 'verify', '--evidence', '/tmp/evidence'], capture_output=True, text=True,
                          check=False)
    return done.returncode, done.stdout + done.stderr


def under_load(fetch, quotes):
    """Runs fetch() beside writers. What it returns: of how many quotes the log was cut."""
    before = device.count()
    with Writers():
        cut = fetch()
    print(f'# {quotes} quotes, {device.count() - before} events meanwhile: all verified, '
          f'{cut} of them against less than the log', flush=True)
    return cut


class Writers:
    """Threads that append, for as long as the block lasts; paced, so that the log never fills:
    pause is in seconds, or a function that says how many."""

    def __init__(self, number=2, pause=0.05, act=None):
        self.stop = threading.Event()
        self.errors = []
        self.pause = pause
        self.act = act
        self.threads = [threading.Thread(target=self.write, args=(i,)) for i in range(number)]

    def write(self, number):
        try:
            with device.Device(os.O_WRONLY) as dev:
                i = 0
                while not self.stop.wait(self.pause() if callable(self.pause) else self.pause):
                    if self.act:
                        self.act(i)
                    else:
                        dev.extend('evidence', f'writer-{number}', str(i))
                    i += 1
        except Exception as error:  # the test is told
            self.errors.append(error)

    def __enter__(self):
        before = device.count()
        for thread in self.threads:
            thread.start()
        if not self.act:
            device.wait_for(lambda: device.count() > before or self.errors)
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()
        assert not self.errors, self.errors


class ForeignPcr:
    """Extends of a PCR, faster than a program can be started."""

    def __init__(self, pcr):
        self.pcr = pcr
        self.fd = os.open('/dev/tpmrm0', os.O_RDWR)

    def extend(self, number):
        # TPM2_PCR_Extend with the empty password: handle, authorisation, one SHA-256 digest
        body = struct.pack('>IIIHBHIH', self.pcr, 9, 0x40000009, 0, 0, 0, 1, SHA256)
        body += number.to_bytes(32, 'big')
        os.write(self.fd, struct.pack('>HII', 0x8002, 10 + len(body), 0x182) + body)
        answer = os.read(self.fd, 4096)
        assert struct.unpack_from('>HII', answer)[2] == 0, answer

    def close(self):
        os.close(self.fd)


def query(text):
    return '/aa/evidence?' + urllib.parse.urlencode(text)
