// SPDX-License-Identifier: Apache-2.0
/*
 * The page of a log. Everything that the log or a caller says goes through html_put(): only
 * literals of this file are markup.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "html.h"
#include "render.h"
#include "report.h"

static void put(FILE *out, const char *text)
{
	html_put(out, text, strlen(text));
}

static void put_named(FILE *out, const char *name, const char *text)
{
	fprintf(out, "<dt>%s</dt><dd>", name);
	put(out, text);
	fputs("</dd>\n", out);
}

/* ---- head ------------------------------------------------------------------------ */

static int put_source(FILE *out, const char *directive, const char *text)
{
	uint8_t hash[AAEL_DIGEST_MAX_BYTES];
	int n = aael_alg_hash(AAEL_ALG_SHA256, text, strlen(text), "", 0, hash);

	if (n < 0)
		return n;
	fprintf(out, "; %s 'sha256-", directive);
	aael_base64_put(out, hash, (size_t)n);
	fputc('\'', out);
	return 0;
}

static const struct {
	const char *class, *mark, *word, *text;
} verdicts[] = {
	[AAEL_REPORT_VERIFIED] = { "good", "\u2714", "VERIFIED",
				   "The log replays to every value that it was compared with, and "
				   "no entry of it is wrong by itself." },
	[AAEL_REPORT_WRONG] = { "bad", "\u2718", "NOT VERIFIED: IT DOES NOT FIT",
				"The log is not, or not only, what was measured. What was found "
				"stands below." },
	[AAEL_REPORT_UNCOMPARED] = { "open", "?", "NOT VERIFIED: NOTHING TO COMPARE WITH",
				     "There was no register's value to compare the log with. It "
				     "may say whatever its writer liked." },
	[AAEL_REPORT_MALFORMED] = { "bad", "\u2718", "NOT VERIFIED: MALFORMED",
				    "The log cannot be read to its end, and was compared with "
				    "nothing." },
};

static int put_head(FILE *out, const struct aael_report *report)
{
	int ret;

	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "base-uri 'none'; form-action 'none'",
	      out);
	ret = put_source(out, "style-src", report_style);
	if (!ret)
		ret = put_source(out, "script-src", report_script);
	fprintf(out,
		"\">\n<meta name=\"viewport\" content=\"width=device-width\">\n"
		"<meta name=\"referrer\" content=\"no-referrer\">\n"
		"<title>%s \u2013 attestation event log</title>\n<style>%s</style>\n</head>\n",
		verdicts[report->verdict].word, report_style);
	return ret;
}

/* ---- banner ---------------------------------------------------------------------- */

static bool is_expected(const struct aael_report *report, uint32_t reg)
{
	for (size_t i = 0; i < report->expected_count; i++)
		if (report->expected[i].reg == reg)
			return true;
	return false;
}

static bool is_touched(const struct aael_report *report, uint32_t reg)
{
	for (unsigned int row = 0; row < AAEL_ALG_KNOWN_MAX; row++)
		if (report->values->reg[reg].touched[row])
			return true;
	return false;
}

/* "14, 15": those that entries extend and no value is known of. */
static void put_uncompared(FILE *out, const struct aael_report *report)
{
	const char *before = "<p><b>Not compared with anything: register ";
	bool any = false;

	for (uint32_t reg = 0; reg < AAEL_REGISTERS_MAX; reg++) {
		if (!is_touched(report, reg) || is_expected(report, reg))
			continue;
		fprintf(out, "%s%u", before, reg);
		before = ", ";
		any = true;
	}
	if (any)
		fputs(".</b> What the log says of these is only what it says.</p>\n", out);
}

static void put_banner(FILE *out, const struct aael_report *report)
{
	const char *class = verdicts[report->verdict].class;

	fprintf(out, "<div id=\"verdict\" class=\"banner %s\">\n<p><strong>%s %s</strong> %s</p>\n",
		class, verdicts[report->verdict].mark, verdicts[report->verdict].word,
		verdicts[report->verdict].text);
	fputs("<p><b>No signature was checked, and no certificate.</b> Whoever could write both "
	      "the "
	      "log and the values could make them fit.</p>\n",
	      out);
	if (report->verdict == AAEL_REPORT_VERIFIED || report->verdict == AAEL_REPORT_WRONG)
		put_uncompared(out, report);
	fputs("</div>\n", out);
}

static int put_origin(FILE *out, const struct aael_report *report)
{
	char hex[2 * AAEL_DIGEST_MAX_BYTES + 1];
	uint8_t hash[AAEL_DIGEST_MAX_BYTES];
	int n = aael_alg_hash(AAEL_ALG_SHA256, report->log, report->size, "", 0, hash);

	if (n < 0)
		return n;
	aael_hex_encode(hash, (size_t)n, hex);
	fputs("<dl>\n", out);
	put_named(out, "Log", report->log_name);
	fprintf(out, "<dt>Bytes, SHA-256</dt><dd>%zu, <code>%s</code></dd>\n", report->size, hex);
	put_named(out, "Compared with", report->values_name ? report->values_name : "nothing");
	put_named(out, "Replayed",
		  report->values->rule == AAEL_RULE_TRUSTEE ? "as Trustee replays it"
							    : "as the hardware extends");
	put_named(out, "Made", report->made);
	fputs("</dl>\n", out);
	if (!*report->findings)
		return 0;
	fputs("<h2 id=\"findings\">What was found</h2>\n<pre>", out);
	html_put_lines(out, report->findings);
	fputs("</pre>\n", out);
	return 0;
}

/* ---- registers ------------------------------------------------------------------- */

static const struct aael_value *expected_of(const struct aael_report *report, uint32_t reg,
					    uint16_t alg)
{
	for (size_t i = 0; i < report->expected_count; i++)
		if (report->expected[i].reg == reg && report->expected[i].value.alg == alg)
			return &report->expected[i].value;
	return NULL;
}

static void put_hex_cell(FILE *out, const uint8_t *value, size_t size)
{
	char hex[2 * AAEL_DIGEST_MAX_BYTES + 1];

	aael_hex_encode(value, size, hex);
	fprintf(out, "<td><code>%s</code></td>", hex);
}

static void put_register(FILE *out, const struct aael_report *report, uint32_t reg,
			 const struct aael_alg *alg)
{
	const struct aael_value *want = expected_of(report, reg, alg->id);
	const uint8_t *have = aael_replay_value(report->values, reg, alg->id);
	bool match = want && want->size == alg->size && !memcmp(have, want->value, alg->size);

	fprintf(out, "<tr%s><th scope=\"row\">%u</th><td class=\"name\">%s</td>",
		want && !match ? " class=\"wrong\"" : "", reg, alg->name);
	put_hex_cell(out, have, alg->size);
	if (!want)
		fputs("<td>\u2013</td><td>not compared</td></tr>\n", out);
	else
		put_hex_cell(out, want->value, want->size);
	if (want)
		fprintf(out, "<td>%s</td></tr>\n", match ? "match" : "MISMATCH");
}

static void put_registers(FILE *out, const struct aael_report *report)
{
	fputs("<h2 id=\"registers\">Registers</h2>\n<table>\n<caption>The number is that in the "
	      "log: a TPM's PCR, or in a TDX guest the measurement register (RTMR n is n + 1)."
	      "</caption>\n<thead><tr><th scope=\"col\">Register</th><th scope=\"col\">Bank</th>"
	      "<th scope=\"col\">The log replays to</th><th scope=\"col\">Compared with</th>"
	      "<th scope=\"col\">Result</th></tr></thead>\n<tbody>\n",
	      out);
	for (uint32_t reg = 0; reg < AAEL_REGISTERS_MAX; reg++)
		for (unsigned int row = 0; row < AAEL_ALG_KNOWN_MAX; row++) {
			const struct aael_alg *alg = aael_alg_at(row);

			if (alg && (report->values->reg[reg].touched[row] ||
				    expected_of(report, reg, alg->id)))
				put_register(out, report, reg, alg);
		}
	fputs("</tbody>\n</table>\n", out);
}

/* ---- entries --------------------------------------------------------------------- */

/* The fields of one of our entries, and what is wrong with it. */
static void put_fields(FILE *out, const struct aael_tcg2_entry *e)
{
	struct aael_text t;
	int ret = aael_text_decode(e, &t);

	fputs("<td>", out);
	if (ret) {
		html_put(out, t.text ? t.text : (const char *)e->event,
			 t.text ? t.text_size : e->event_size);
		fputs("</td><td></td><td>", out);
	} else {
		html_put(out, t.domain, t.domain_size);
		fputs("</td><td>", out);
		html_put(out, t.operation, t.operation_size);
		fputs("</td><td>", out);
		html_put(out, t.content, t.content_size);
	}
	fputs("</td>", out);
}

static int put_boot_fields(FILE *out, const struct aael_tcg2_entry *e)
{
	char *text = NULL;
	size_t size;
	FILE *mem = open_memstream(&text, &size);

	if (!mem)
		return -ENOMEM;
	render_boot_text(mem, e);
	if (fclose(mem)) {
		free(text);
		return -ENOMEM;
	}
	fputs("<td>", out);
	render_type(out, e->type);
	fputs("</td><td>", out);
	/* Behind a space. */
	if (size)
		html_put(out, text + 1, size - 1);
	fputs("</td>", out);
	free(text);
	return 0;
}

static void put_digests(FILE *out, const struct aael_tcg2_entry *e)
{
	fputs("<td><code>", out);
	for (uint32_t i = 0; i < e->digest_count; i++) {
		fputs(i ? "\n" : "", out);
		render_digest(out, &e->digests[i]);
	}
	fputs("</code></td>", out);
}

static int put_entry(FILE *out, const struct aael_tcg2_entry *e, uint64_t sequence)
{
	const char *wrong = sequence ? aael_check_entry(e) : NULL;
	int ret = 0;

	fprintf(out, "<tr%s><th scope=\"row\">%llu</th><td>%u</td>",
		wrong ? " class=\"wrong\"" : "",
		(unsigned long long)(sequence ? sequence : e->number + 1), e->reg);
	if (sequence)
		put_fields(out, e);
	else
		ret = put_boot_fields(out, e);
	put_digests(out, e);
	if (sequence)
		fprintf(out, "<td>%s%s</td>", wrong ? "WRONG: " : "nothing found",
			wrong ? wrong : "");
	fputs("</tr>\n", out);
	return ret;
}

/* Those of ours, or the others. */
static int put_entries(FILE *out, const struct aael_report *report, bool own)
{
	struct aael_filter f = {};
	struct aael_tcg2_entry e;
	struct aael_tcg2 r;
	int ret = aael_tcg2_open(&r, report->log, report->size, AAEL_TCG2_F_DETECT);

	fputs("<tbody class=\"entries\">\n", out);
	while (!ret && (ret = aael_filter_next(&f, &r, &e)) > 0)
		ret = !!f.sequence == own ? put_entry(out, &e, f.sequence) : 0;
	fputs("</tbody>\n</table>\n", out);
	if (ret != -EBADMSG)
		return ret;
	fprintf(out,
		"<p><b>The log is malformed at byte %zu: %s.</b> Nothing behind that is "
		"shown.</p>\n",
		r.error.offset, r.error.reason);
	return 0;
}

static int put_runtime(FILE *out, const struct aael_report *report)
{
	fputs("<h2 id=\"runtime\">Runtime: logged through aael</h2>\n<table>\n<caption>Each entry "
	      "is "
	      "checked by itself, too: are its digests those of its text?</caption>\n<thead><tr>"
	      "<th scope=\"col\">Entry</th><th scope=\"col\">Register</th><th scope=\"col\">Domain"
	      "</th><th scope=\"col\">Operation</th><th scope=\"col\">Content</th><th "
	      "scope=\"col\">Digests</th><th scope=\"col\">By itself</th></tr></thead>\n",
	      out);
	return put_entries(out, report, true);
}

static int put_boot(FILE *out, const struct aael_report *report)
{
	fputs("<h2 id=\"boot\">Boot: logged by firmware and boot loader</h2>\n<table>\n<caption>A "
	      "digest is often of something else than the text, which then says nothing: only the "
	      "digests are in the register.</caption>\n<thead><tr><th scope=\"col\">Boot entry</th>"
	      "<th scope=\"col\">Register</th><th scope=\"col\">Type</th><th "
	      "scope=\"col\">Text</th>"
	      "<th scope=\"col\">Digests</th></tr></thead>\n",
	      out);
	return put_entries(out, report, false);
}

int aael_report_html(const struct aael_report *report, FILE *out)
{
	int ret = put_head(out, report);

	if (ret)
		return ret;
	fputs("<body>\n<main>\n<h1>Attestation event log</h1>\n", out);
	put_banner(out, report);
	ret = put_origin(out, report);
	if (ret)
		return ret;
	fputs("<nav><a href=\"#registers\">Registers</a> \u00b7 <a href=\"#runtime\">Runtime</a> "
	      "\u00b7 <a href=\"#boot\">Boot</a></nav>\n",
	      out);
	put_registers(out, report);
	fputs("<div id=\"search\" hidden><label>Show only entries with these words: <input "
	      "id=\"q\" type=\"search\" autocomplete=\"off\" spellcheck=\"false\"></label> <span "
	      "id=\"shown\" role=\"status\"></span></div>\n",
	      out);
	ret = put_runtime(out, report);
	if (!ret)
		ret = put_boot(out, report);
	fprintf(out, "</main>\n<script>%s</script>\n</body>\n</html>\n", report_script);
	if (!ret && (fflush(out) || ferror(out)))
		ret = -EIO;
	return ret;
}
