// SPDX-License-Identifier: Apache-2.0
/* aaelctl: the table of verbs, and what all of them share. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

static const struct ctl_verb verbs[] = {
	{ "status", "[--json]",
	  "Show the state of the log: \"key: value\" lines.\n"
	  "  -j, --json      one object with stable keys; details (root only): those lines\n",
	  ctl_status_run },
	{ "enable", "[--index N]",
	  "Choose the register and start recording; one way until reboot or reload.\n"
	  "  -i, --index N   register index (the module's init_pcr if left out)\n",
	  ctl_enable_run },
	{ "append", "DOMAIN OPERATION CONTENT [--index N] [--once]",
	  "Measure and log one event; prints \"sequence register\".\n"
	  "CONTENT - is read from standard input, without one newline at its end.\n"
	  "  -o, --once      not if it is logged already: prints \"already logged as sequence\";\n"
	  "                  with other content for that domain and operation: an error\n"
	  "  -i, --index N   register index (the one the log was enabled with if left out)\n",
	  ctl_append_run },
	{ "log",
	  "[--format text|json|jsonl|tcg2|yaml] [--log FILE] [--own] [--domain D] [--since SEQ] "
	  "[--last N] [--follow]",
	  "Print the log. Exit: 0, 2 usage, 3 cannot be read or is malformed.\n"
	  "  -f, --format F  text (one line per entry), json (as Trustee shows it), jsonl (the\n"
	  "                  same, one line per entry), yaml (the same), tcg2 (binary)\n"
	  "  -l, --log FILE  read this saved log, - for standard input, not the live one\n"
	  "  -o, --own       only entries made through aael, without header and boot log\n"
	  "The next three leave out the boot log as well. tcg2 refuses them: what is left would\n"
	  "not replay.\n"
	  "  -d, --domain D  only entries of this domain\n"
	  "  -s, --since SEQ only from this number on\n"
	  "  -n, --last N    only the last N of those\n"
	  "  -F, --follow    go on with new entries as they are logged, until interrupted (text,\n"
	  "                  jsonl, yaml); --last 0 --follow: only new ones\n",
	  ctl_log_run },
	{ "verify",
	  "[--log FILE] [--register ALG:REGISTER=HEX]... [--evidence FILE] [--quote FILE] "
	  "[--index N] [--against FILE] [--rule RULE]",
	  "Replay the log and compare it with registers. Prints, for each bank, whether they "
	  "match\n"
	  "and both values; then each entry that is wrong. NO SIGNATURE IS CHECKED.\n"
	  "Exit: 0 match, 1 mismatch or a wrong entry, 2 usage, 3 cannot read.\n"
	  "  -l, --log FILE  replay this saved log, - for standard input, not the live one (or "
	  "the\n"
	  "                  one in the evidence)\n"
	  "  -r, --register ALG:REGISTER=HEX\n"
	  "                  compare with this value, not with the live register; may be\n"
	  "                  repeated. REGISTER is the number in the log: the PCR, or the CC\n"
	  "                  measurement register (RTMR n is n+1). Example: sha256:14=00ff...\n"
	  "  -e, --evidence FILE\n"
	  "                  with the values in this answer of GET /aa/evidence, - for standard\n"
	  "                  input: TDX the four RTMRs, TPM the PCRs that our entries extend\n"
	  "  -q, --quote FILE\n"
	  "                  with the RTMRs in this TDX quote\n"
	  "  -i, --index N   with the live register of this index\n"
	  "  -a, --against FILE\n"
	  "                  compare with this log, too (a saved log is compared with the live "
	  "one\n"
	  "                  where the live register is); without values, only with that log\n"
	  "      --rule R    hardware (default: EV_NO_ACTION is not extended, PCR 0 starts at\n"
	  "                  the startup locality, PCRs 17 to 22 with ones) or trustee\n"
	  "                  (everything, from zero; default for a TDX quote)\n",
	  ctl_verify_run },
	{ "report",
	  "[--log FILE] [--register ALG:REGISTER=HEX]... [--evidence FILE] [--quote FILE] "
	  "[--index N] [--rule RULE] [--output FILE]",
	  "Verify as verify does, and write a page of HTML for people: does the log verify, what "
	  "was\n"
	  "measured, in which register, at runtime and at boot. It needs no network. NO SIGNATURE "
	  "IS\n"
	  "CHECKED. Exit: as verify; the page is written with 1, too, and with 3 if the log can "
	  "be read.\n"
	  "  -l, --log FILE, -r, --register ALG:REGISTER=HEX, -e, --evidence FILE,\n"
	  "  -q, --quote FILE, -i, --index N, --rule R\n"
	  "                  as verify has them. If the live register cannot be read, the log is\n"
	  "                  shown all the same, as compared with nothing\n"
	  "  -o, --output FILE\n"
	  "                  write this file, not standard output\n",
	  ctl_report_run },
	{ "handover",
	  "export DIR [--force] | unseal | release DIR | import DIR [--diverged] [--remove] | "
	  "upgrade [MODULE] [--fallback MODULE] [--dir DIR] [--diverged]",
	  "Hand the log over to another module, or another kernel: Documentation/handover.md.\n"
	  "Exit: 0, 1 refused, 2 usage, 3 cannot be read.\n"
	  "export            seal the log (nothing is appended any more) and write it to DIR\n"
	  "  -f, --force     replace the export that is there\n"
	  "unseal            open it again\n"
	  "release           let the module be removed, if the sealed log is what DIR has\n"
	  "import            give a module that was loaded with import=1 the log in DIR. Refused\n"
	  "                  unless each digest is its event's and the registers hold what it\n"
	  "                  replays to\n"
	  "  -D, --diverged  also if the registers hold something else; it stays diverged\n"
	  "  -r, --remove    and remove the export\n"
	  "upgrade           all of that with the module in the file MODULE, or with the "
	  "installed\n"
	  "                  one, once it is known that this kernel would load it. aaeld is "
	  "stopped\n"
	  "                  and started. Again after a failure: goes on from there\n"
	  "  -F, --fallback MODULE\n"
	  "                  the way back: the file of the running module\n"
	  "  -d, --dir DIR   where the export is meanwhile (/run/aael/handover)\n",
	  ctl_handover_run },
	{ "initdata", "pack|unpack|digest [--form FORM] [--key NAME] [--register tdx] FILE",
	  "Init-Data, in any form, from FILE or with - from standard input. No module is needed.\n"
	  "Exit: 0, 2 usage, 3 cannot be read, or is no Init-Data: the error says where.\n"
	  "pack              print it in another form\n"
	  "  -f, --form F    annotation (default: base64 of gzip, for Kata's cc_init_data), block\n"
	  "                  (the image of Kata's block device) or file (the document)\n"
	  "unpack            print the document, byte for byte\n"
	  "  -k, --key NAME  only the text that [data] has under this name, as aa.toml\n"
	  "digest            print \"ALG:HEX\", the digest of the document\n"
	  "  -r, --register tdx\n"
	  "                  and \"mrconfigid:HEX\", what MRCONFIGID of a TDX guest must hold\n",
	  ctl_initdata_run },
	{ "tpm", "provision",
	  "Make the TPM's attestation key and keep it at the persistent handle 0x81010002, unless\n"
	  "it is there already; print its public half, base64(SubjectPublicKeyInfo in DER).\n"
	  "Environment: AA_TPM_AK_HANDLE, another handle; AA_TPM_DEVICE, not /dev/tpmrm0.\n",
	  ctl_tpm_run },
};

#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

void ctl_error(const struct ctl_verb *verb, const char *format, ...)
{
	va_list ap;

	fprintf(stderr, "aaelctl %s: ", verb->name);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
}

int ctl_help(const struct ctl_verb *verb)
{
	printf("usage: aaelctl %s%s%s\n\n%s", verb->name, *verb->synopsis ? " " : "",
	       verb->synopsis, verb->help);
	return ctl_finish(verb, CTL_OK);
}

int ctl_usage(const struct ctl_verb *verb, const char *wrong)
{
	if (wrong)
		ctl_error(verb, "%s", wrong);
	fprintf(stderr, "usage: aaelctl %s%s%s\n", verb->name, *verb->synopsis ? " " : "",
		verb->synopsis);
	return CTL_USAGE;
}

bool ctl_unread(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	return poll(&out, 1, 0) == 1 && out.revents & (POLLERR | POLLHUP);
}

int ctl_finish(const struct ctl_verb *verb, int code)
{
	if (!fflush(stdout) && !ferror(stdout))
		return code;
	if (ctl_unread())
		return code;
	ctl_error(verb, "standard output: %s", strerror(errno));
	return CTL_UNREADABLE;
}

int ctl_number(const struct ctl_verb *verb, const char *text, uint64_t min, uint64_t max,
	       uint64_t *number)
{
	size_t n = strlen(text);

	errno = 0;
	if (n >= 1 && strspn(text, "0123456789") == n) {
		*number = strtoull(text, NULL, 10);
		if (!errno && *number >= min && *number <= max)
			return 0;
	}
	if (max == UINT64_MAX)
		ctl_error(verb, "\"%s\" is not a number from %llu on", text,
			  (unsigned long long)min);
	else
		ctl_error(verb, "\"%s\" is not a number from %llu to %llu", text,
			  (unsigned long long)min, (unsigned long long)max);
	return -1;
}

int ctl_index(const struct ctl_verb *verb, const char *text, uint32_t max, uint32_t *index)
{
	uint64_t number = 0;
	int ret = ctl_number(verb, text, 0, max, &number);

	*index = (uint32_t)number;
	return ret;
}

static void usage(FILE *out)
{
	fprintf(out, "usage: aaelctl VERB [OPTION]...\n"
		     "       aaelctl -h|--help|--version\n\nverbs:\n");
	for (size_t i = 0; i < VERB_COUNT; i++)
		fprintf(out, "  %s%s%s\n", verbs[i].name, *verbs[i].synopsis ? " " : "",
			verbs[i].synopsis);
	fprintf(out, "\naaelctl VERB --help says more.\n");
}

int main(int argc, char **argv)
{
	static char name[] = "aaelctl";
	const struct ctl_verb self = { .name = "main" };

	/* Whoever has read enough of our output is no reason to end without our exit code. */
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2) {
		usage(stderr);
		return CTL_USAGE;
	}
	if (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help")) {
		usage(stdout);
		return ctl_finish(&self, CTL_OK);
	}
	if (!strcmp(argv[1], "--version")) {
		puts("aaelctl " AAEL_VERSION);
		return ctl_finish(&self, CTL_OK);
	}
	for (size_t i = 0; i < VERB_COUNT; i++)
		if (!strcmp(argv[1], verbs[i].name)) {
			argv[1] = name; /* what getopt's complaints begin with */
			return verbs[i].run(&verbs[i], argc - 1, argv + 1);
		}
	fprintf(stderr, "aaelctl: there is no verb \"%s\"\n", argv[1]);
	usage(stderr);
	return CTL_USAGE;
}
