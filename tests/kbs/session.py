# SPDX-License-Identifier: Apache-2.0
"""The protocol of a KBS, version 0.4.0, without HTTP: bodies in, bodies out.

A session has a nonce, which is used up by the first attestation that is looked at, and after an
attestation that was believed the key that resources are encrypted to.
"""
import os
import threading
import time
import uuid

import knobs
import tokens
import verifier
import wire
from quotes import Refused, demand

VERSION = '0.4.0'
TEES = ('tdx', 'tpm', 'sample')
DEFAULT_HASH = 'sha384'


class Session:
    def __init__(self, tee, algorithm, lifetime):
        self.id = str(uuid.uuid4())
        self.tee = tee
        self.algorithm = algorithm  # of the report data
        self.nonce = wire.base64_encode(os.urandom(32))
        self.used = False
        self.key = None             # public, once attested
        self.ends = time.time() + lifetime

    @property
    def expired(self):
        return time.time() >= self.ends


class Kbs:
    """settings: Knobs; resources: {'repository/type/tag': bytes}"""

    def __init__(self, settings, resources):
        self.settings = settings
        self.resources = resources
        self.issuer = tokens.Issuer()
        self.sessions = {}
        self.lock = threading.Lock()
        self.last_good = None  # body of the last attestation that was believed

    def challenge(self, body):
        """Returns the session and the answer to POST /auth."""
        version, tee, extra = wire.members(wire.parse(body), 'version', 'tee', 'extra-params')
        demand(version == VERSION, f'protocol version {version!r}')
        demand(tee in TEES, f'tee {tee!r}')
        supported, = wire.members(extra, 'supported-hash-algorithms')
        demand(isinstance(supported, list) and supported and all(
            name in verifier.ALGORITHMS for name in supported), f'hash algorithms {supported!r}')
        answer = self.extra_params(supported)
        selected = answer.get('selected-hash-algorithm') if isinstance(answer, dict) else None
        algorithm = selected.lower() if isinstance(selected, str) else DEFAULT_HASH
        session = Session(tee, algorithm, self.settings.session_lifetime)
        with self.lock:
            self.sessions = {key: one for key, one in self.sessions.items() if not one.expired}
            self.sessions[session.id] = session
        return session, {'nonce': session.nonce, 'extra-params': answer}

    def extra_params(self, supported):
        if self.settings.extra_params is not knobs.ABSENT:
            return self.settings.extra_params
        if self.settings.selected:
            return {'selected-hash-algorithm': self.settings.selected}
        if not self.settings.log_aware:
            return ''
        return {'selected-hash-algorithm': DEFAULT_HASH if DEFAULT_HASH in supported else supported[0]}

    def session(self, key):
        with self.lock:
            session = self.sessions.get(key)
        demand(session and not session.expired, 'no such session, or not any more')
        return session

    def attest(self, key, body):
        """Returns the answer to POST /attest of that session."""
        session = self.session(key)
        request = wire.parse(body)
        if self.settings.spoil:
            request = self.settings.spoil(request, self.last_good)
        with self.lock:
            demand(not session.used, 'the nonce of this session has been used')
            session.used = True
        claims, public = self.believe(session, request)
        session.key = tokens.public_key(public)
        self.last_good = request
        return {'token': self.issuer.token(claims, public, self.settings.lifetime)}

    def believe(self, session, request):
        """The claims and the JWK of a body of POST /attest"""
        runtime, evidence = wire.members(request, 'runtime-data', 'tee-evidence', optional=('init-data',))
        nonce, public = wire.members(runtime, 'nonce', 'tee-pubkey')
        demand(nonce == session.nonce, 'the nonce is not that of the session')
        tokens.public_key(public)
        primary, additional = wire.members(evidence, 'primary_evidence', 'additional_evidence')
        demand(additional == '', 'additional evidence')
        init_data = verifier.InitData(request['init-data']) if 'init-data' in request else None
        data = verifier.report_data(session.tee, {
            'additional-evidence': additional, 'nonce': nonce, 'tee-pubkey': public}, session.algorithm)
        judge = verifier.Verifier(self.settings.log_aware, self.settings.trusted_aks, self.settings.log_pcr)
        return judge.verify(session.tee, primary, data, init_data), public

    def resource(self, key, path):
        """The answer to GET /resource/PATH of an attested session; KeyError if there is none."""
        session = self.session(key)
        if not session.key:
            raise Refused('the session is not attested')
        return tokens.encrypt(session.key, self.resources[path])
