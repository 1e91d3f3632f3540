# SPDX-License-Identifier: Apache-2.0
"""What a KBS makes of evidence. Pure: returns the claims, or raises Refused with the reason.

    Verifier(log_aware=True).verify('tpm', primary_evidence, report_data, init_data)

A log is read by Trustee's rules: one entry that cannot be parsed, an unknown algorithm or any
SHA-1 digest refuses all of it.

stock       as Trustee: tdx is verified with its log, the log of tpm is ignored. A text of ours
            that is not that of its digest is shown as such ("digest_matches_event": false).
log_aware   also the log of tpm, and such a text refuses the log, but for foreign extends.

On a TPM the log must replay, by the rule of the hardware, for the log's PCR, for every PCR with
an entry of ours, and for those of PCRs 0 to 7 that have entries at all: who left the boot log
out can still be believed, and other PCRs (10: IMA) go on without the log.

The signature of a TDX quote is NOT checked, and that of the emulator could not be: structure,
report data, registers and MRCONFIGID are.
"""
import hashlib
import tomllib

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

import aael
import quotes
import rendering
import wire
from quotes import PCRS, SHA256, SHA384, Refused, demand

FIRMWARE_PCRS = range(8)
INITDATA_PCR = 8
ALGORITHMS = ('sha256', 'sha384', 'sha512')


def report_data(tee, runtime, algorithm):
    """What evidence of that kind is bound to: the hash of {"additional-evidence","nonce","tee-pubkey"}"""
    demand(algorithm in ALGORITHMS, f'hash algorithm {algorithm!r}')
    digest = hashlib.new(algorithm, wire.canonical(runtime)).digest()
    return {'tdx': digest.ljust(64, b'\0'), 'tpm': digest[:32], 'sample': digest}[tee]


def read_log(data):
    """Its entries, by Trustee's rules"""
    with quotes.well_formed('the log'):
        log = quotes.parse_log(data)
    for alg, size in log.algs:
        demand(alg in rendering.TITLES, f'the log: algorithm 0x{alg:04x}')
        demand(aael.ALGS[alg][1] == size, f'the log: {size} bytes of algorithm 0x{alg:04x}')
    demand(all(len(entry.digests) for entry in log.entries), 'the log: an entry without digest')
    return log


def replay(entries, register, alg, rule):
    with quotes.well_formed(f'replay of register {register}'):
        return aael.replay(entries, register, alg, rule)


def check_signature(message, signature, public):
    try:
        key = load_der_public_key(public)
        demand(isinstance(key, rsa.RSAPublicKey), 'the AK is no RSA key')
        key.verify(quotes.rsassa(signature), message, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature as error:
        raise Refused('the signature is not of the AK') from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Refused(f'the AK: {error}') from error


class InitData:
    """{"format":"toml","body":…} of an attestation"""

    def __init__(self, value):
        kind, self.body = wire.members(value, 'format', 'body')
        demand(kind == 'toml', f'Init-Data of format {kind!r}')
        wire.text(self.body, 'the body of Init-Data')
        try:
            document = tomllib.loads(self.body)
        except tomllib.TOMLDecodeError as error:
            raise Refused(f'Init-Data: {error}') from error
        self.algorithm = document.get('algorithm')
        self.data = document.get('data')
        demand(self.algorithm in ALGORITHMS, f'Init-Data of algorithm {self.algorithm!r}')
        demand(isinstance(self.data, dict), 'Init-Data without data')
        self.digest = hashlib.new(self.algorithm, self.body.encode()).digest()

    def check_tdx(self, mrconfigid):
        want = self.digest[:48].ljust(48, b'\0')
        demand(want == mrconfigid, f'Init-Data is {want.hex()}, MRCONFIGID is {mrconfigid.hex()}')

    def check_tpm(self, pcr):
        demand(self.algorithm == 'sha256', f'Init-Data of algorithm {self.algorithm} on a TPM')
        want = hashlib.sha256(bytes(32) + self.digest).digest()
        demand(want == pcr, f'Init-Data makes PCR {INITDATA_PCR} {want.hex()}, it is {pcr.hex()}')

    def claims(self):
        return {'init_data': self.digest.hex(), 'init_data_claims': self.data}


class Verifier:
    """trusted_aks: SubjectPublicKeyInfo of those believed, in DER; None: of anybody."""

    def __init__(self, log_aware=False, trusted_aks=None, log_pcr=14):
        self.log_aware = log_aware
        self.trusted_aks = trusted_aks
        self.log_pcr = log_pcr

    def verify(self, tee, evidence, data, init_data=None):
        """Returns the claims. data: report_data() of what this session agreed on."""
        judge = {'tdx': self.tdx, 'tpm': self.tpm, 'sample': self.sample}[tee]
        # What is missing anywhere below is malformed evidence, not a mistake here.
        with quotes.well_formed(f'evidence of {tee}'):
            claims = {tee: judge(evidence, data, init_data)}
        return {**claims, **(init_data.claims() if init_data else {})}

    def sample(self, evidence, data, _):
        svn, told = wire.members(evidence, 'svn', 'report_data')
        demand(svn == '1', f'svn {svn!r}')
        demand(wire.base64_decode(told, 'report_data') == data, 'sample: another report data')
        return {'svn': svn, 'report_data': data.hex()}

    def shown(self, log):
        shown = rendering.log(log.entries)
        demand(not self.log_aware or not rendering.belied(shown),
               'the log: a text that is not that of its digest')
        return shown

    def tdx(self, evidence, data, init_data):
        log_text, quote_text = wire.members(evidence, 'cc_eventlog', 'quote')
        with quotes.well_formed('the quote'):
            quote = quotes.Quote(wire.base64_decode(quote_text, 'quote'))
        demand(quote.tee_type == quotes.Quote.TDX, f'a quote of TEE type 0x{quote.tee_type:x}')
        demand(quote.report_data == data, 'the quote has another report data')
        if init_data:
            init_data.check_tdx(quote.mrconfigid)
        claims = {'quote': {'header': {'version': quote.version}, 'body': {
            'report_data': quote.report_data.hex(), 'mr_config_id': quote.mrconfigid.hex(),
            **{f'rtmr_{n}': value.hex() for n, value in enumerate(quote.rtmrs)}}}}
        if log_text is None:
            demand(not any(map(any, quote.rtmrs)), 'no log, and registers that are not zero')
            return claims
        log = read_log(wire.base64_decode(log_text, 'cc_eventlog'))
        demand(all(1 <= entry.register <= quotes.RTMRS for entry in log.entries),
               'the log: an entry of a register that is not quoted')
        for n, value in enumerate(quote.rtmrs):
            told = replay(log.entries, n + 1, SHA384, 'trustee')
            demand(told == value, f'RTMR{n} is {value.hex()}, the log replays to {told.hex()}')
        return {**claims, 'uefi_event_logs': self.shown(log)}

    def tpm(self, evidence, data, init_data):
        quote, public_text = wire.members(evidence, 'tpm_quote', 'ak_public', optional=('cc_eventlog',))
        signature, message, values = wire.members(quote, 'signature', 'message', 'pcrs')
        public = wire.base64_decode(public_text, 'ak_public')
        demand(self.trusted_aks is None or public in self.trusted_aks, 'the AK is not trusted')
        message = wire.base64_decode(message, 'message')
        check_signature(message, wire.base64_decode(signature, 'signature'), public)
        attest = quotes.Attest(message)
        demand(attest.nonce == data, 'the quote has another nonce')
        pcrs = [bytes.fromhex(value) for value in values]
        demand(len(pcrs) == PCRS and all(len(value) == 32 for value in pcrs), 'not 24 PCRs')
        demand(hashlib.sha256(b''.join(pcrs)).digest() == attest.digest, 'PCRs that were not quoted')
        if init_data:
            init_data.check_tpm(pcrs[INITDATA_PCR])
        claims = {f'pcr{n:02}': value.hex() for n, value in enumerate(pcrs)}
        if self.log_aware:
            claims['uefi_event_logs'] = self.tpm_log(evidence, pcrs)
        return claims

    def tpm_log(self, evidence, pcrs):
        demand('cc_eventlog' in evidence, 'no log')
        log = read_log(wire.base64_decode(evidence['cc_eventlog'], 'cc_eventlog'))
        wanted = {self.log_pcr} | {entry.register for entry in log.ours}
        wanted |= {entry.register for entry in log.entries if entry.register in FIRMWARE_PCRS}
        for n in sorted(wanted):
            demand(n < PCRS, f'the log: an entry of PCR {n}')
            told = replay(log.entries, n, SHA256, 'hardware')
            demand(told == pcrs[n], f'PCR {n} is {pcrs[n].hex()}, the log replays to {told.hex()}')
        return self.shown(log)
