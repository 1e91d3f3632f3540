# SPDX-License-Identifier: Apache-2.0
"""What the stub does wrong on request, and what it lets a test do to evidence on its way.

    stub.fault('auth', 'status', code=503, times=2)    the next two; without times all, until clear()
    stub.fault('resource', 'refuse', type='PolicyDeny')
    stub.fault('attest', 'hold')                       until release(); then goes on as usual
    stub.set(mode='log-aware', lifetime=-5, selected='SHA256')

Paths: auth, attest, resource, any. What a fault does, with its arguments:
    close                    closes the connection without an answer
    hold                     answers only after release()
    status   code [body] [type]  that status, the body as text (default: the reason phrase)
    refuse   type [detail] [code=401]  ErrorInformation
    body     body [code=200] [type]    that body
    garbage                  bytes that are no HTTP
    cut                      promises more bytes than it sends, and closes
    endless                  200 and a body that has no end
    redirect to [code=302]   Location
    framing                  the usual answer as HTTP/1.0: its end is the connection's
    forget                   the session that the cookie names is not known (any more)
"""
import collections
import threading

KINDS = {'close': (), 'hold': (), 'status': ('code',), 'refuse': ('type',), 'body': ('body',),
         'garbage': (), 'cut': (), 'endless': (), 'redirect': ('to',), 'framing': (), 'forget': ()}
PATHS = ('auth', 'attest', 'resource', 'any')
MODES = ('stock', 'log-aware')
ABSENT = object()

Fault = collections.namedtuple('Fault', 'kind args')


class Knobs:
    """Settings and faults; any thread may change them at any time."""

    def __init__(self, mode='stock'):
        self.lock = threading.Lock()
        self.gate = threading.Event()
        self.mode = 'stock'
        self.trusted_aks = None     # a set of DER SubjectPublicKeyInfo
        self.log_pcr = 14
        self.lifetime = 300         # of tokens, seconds
        self.session_lifetime = 300
        self.selected = None        # selected-hash-algorithm as it is sent; None: by the mode
        self.extra_params = ABSENT  # any JSON instead of the mode's
        self.spoil = None           # function(body of attest, that of the last good one) -> body
        self.faults = {path: [] for path in PATHS}
        self.set(mode=mode)

    def set(self, **values):
        for name, value in values.items():
            if name not in ('mode', 'trusted_aks', 'log_pcr', 'lifetime', 'session_lifetime',
                            'selected', 'extra_params', 'spoil'):
                raise ValueError(f'no such knob: {name}')
            if name == 'mode' and value not in MODES:
                raise ValueError(f'no such mode: {value}')
            setattr(self, name, value)

    @property
    def log_aware(self):
        return self.mode == 'log-aware'

    def fault(self, path, kind, times=None, **args):
        if path not in PATHS or kind not in KINDS or not set(KINDS[kind]) <= set(args):
            raise ValueError(f'no such fault: {path} {kind} {args}')
        with self.lock:
            if kind == 'hold':
                self.gate.clear()
            self.faults[path].append([Fault(kind, args), times])

    def clear(self):
        """No more faults; whoever is held goes on."""
        with self.lock:
            for queue in self.faults.values():
                queue.clear()
        self.release()

    def release(self):
        self.gate.set()

    def next_fault(self, path):
        """The fault of this request: first come, first served, those of its path before any."""
        with self.lock:
            for queue in (self.faults[path], self.faults['any']):
                if queue:
                    entry = queue[0]
                    if entry[1] is not None:
                        entry[1] -= 1
                        if entry[1] <= 0:
                            queue.pop(0)
                    return entry[0]
        return None
