// SPDX-License-Identifier: Apache-2.0
/* aaelctl initdata, also against base64, gzip and sha384sum. */
#include "ctlrun.h"

#define BEGIN "algorithm = \"sha384\"\nversion = \"0.1.0\"\n[data]\n"

static const char document[] = BEGIN "\"aa.toml\" = '''\n[log]\nlevel = \"info\"\n'''\n";

static char folder[] = P_tmpdir "/aaelctl-initdata.XXXXXX";
static char doc_path[64], packed_path[64], wrong_path[64];

static int prepare(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(doc_path, sizeof(doc_path), "%s/initdata.toml", folder);
	snprintf(packed_path, sizeof(packed_path), "%s/packed", folder);
	snprintf(wrong_path, sizeof(wrong_path), "%s/wrong", folder);
	save(doc_path, document, strlen(document));
	return 0;
}

static int tidy(void **state)
{
	(void)state;
	unlink(doc_path);
	unlink(packed_path);
	unlink(wrong_path);
	return rmdir(folder);
}

static void packs_and_unpacks(void **state)
{
	static const struct {
		const char *form;
		const char *start;
		size_t start_size;
	} forms[] = {
		{ "annotation", "H4sIAAAAAAACA", 13 },
		{ "block", "initdata", 8 },
		{ "file", document, sizeof(document) - 1 },
	};
	struct run r;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		RUN(&r, "initdata", "pack", "--form", forms[i].form, doc_path);
		assert_string_equal(r.err, "");
		assert_int_equal(r.code, 0);
		assert_memory_equal(r.out, forms[i].start, forms[i].start_size);
		save(packed_path, r.out, r.out_size);
		RUN(&r, "initdata", "unpack", packed_path);
		assert_string_equal(r.err, "");
		assert_int_equal(r.code, 0);
		assert_string_equal(r.out, document);
	}
}

static void annotation_is_one_line_and_the_default(void **state)
{
	struct run r, again;

	(void)state;
	RUN(&r, "initdata", "pack", doc_path);
	assert_int_equal(r.code, 0);
	assert_ptr_equal(strchr(r.out, '\n'), r.out + r.out_size - 1);
	run(&again, r.out, (const char *const[]){ "initdata", "pack", "-", NULL });
	assert_string_equal(again.out, r.out);
	run(&again, r.out, (const char *const[]){ "initdata", "unpack", "-", NULL });
	assert_string_equal(again.out, document);
}

static void one_text_of_data(void **state)
{
	struct run r;

	(void)state;
	RUN(&r, "initdata", "unpack", "--key", "aa.toml", doc_path);
	assert_int_equal(r.code, 0);
	assert_string_equal(r.out, "[log]\nlevel = \"info\"\n");
	RUN(&r, "initdata", "unpack", "--key", "cdh.toml", doc_path);
	assert_int_equal(r.code, 3);
	assert_string_equal(r.out, "");
	assert_non_null(strstr(r.err, "/initdata.toml: there is no \"cdh.toml\" in data\n"));
}

static void digest_and_mrconfigid(void **state)
{
	static const char text[] = "algorithm = 'sha256'\nversion = '0.1.0'\ndata = {}\n";
	static const char sha256[] =
		"062aea949ef9b0e3e232a61cac6dd329cc68f5d882696b47fcc8da1f45fdb5a0";
	char expected[512];
	struct run r;

	(void)state;
	run(&r, text, (const char *const[]){ "initdata", "digest", "-", NULL });
	snprintf(expected, sizeof(expected), "sha256:%s\n", sha256);
	assert_string_equal(r.out, expected);
	assert_int_equal(r.code, 0);
	run(&r, text,
	    (const char *const[]){ "initdata", "digest", "--register", "tdx", "-", NULL });
	snprintf(expected, sizeof(expected),
		 "sha256:%s\nmrconfigid:%s00000000000000000000000000000000\n", sha256, sha256);
	assert_string_equal(r.out, expected);
}

static void what_is_no_initdata_is_3_and_said(void **state)
{
	struct run r;

	(void)state;
	save(wrong_path, BEGIN "\"aa.toml\" = 1\n", sizeof(BEGIN "\"aa.toml\" = 1\n") - 1);
	for (int i = 0; i < 3; i++) {
		static const char *const actions[] = { "pack", "unpack", "digest" };

		RUN(&r, "initdata", actions[i], wrong_path);
		assert_int_equal(r.code, 3);
		assert_string_equal(r.out, "");
		assert_non_null(strstr(r.err, "/wrong:4: data.\"aa.toml\" must be a string\n"));
	}
	run(&r, "H4sI\n", (const char *const[]){ "initdata", "unpack", "-", NULL });
	assert_int_equal(r.code, 3);
	assert_string_equal(
		r.err, "aaelctl initdata: standard input: gzip: the compressed data is cut off\n");
	RUN(&r, "initdata", "digest", "/nonexistent");
	assert_int_equal(r.code, 3);
	assert_string_equal(r.err, "aaelctl initdata: /nonexistent: No such file or directory\n");
}

static void shell(const char *line)
{
	if (!getenv("AAELCTL")) {
		print_message("# skipped: AAELCTL does not name the program\n");
		skip();
	}
	setenv("DOC", doc_path, 1);
	if (system(line))
		fail_msg("fails: %s", line);
}

static void other_programs_agree(void **state)
{
	(void)state;
	shell("gzip <$DOC | base64 -w0 | $AAELCTL initdata unpack - | cmp - $DOC");
	shell("$AAELCTL initdata pack $DOC | base64 -d | gunzip | cmp - $DOC");
	shell("$AAELCTL initdata pack -f block $DOC | tail -c +17 | gunzip 2>/dev/null | cmp - "
	      "$DOC");
	/* The length: header, that many bytes, then only zeros. */
	shell("$AAELCTL initdata pack -f block $DOC >$DOC.block && "
	      "n=$(od -An -j8 -N8 -t u8 $DOC.block) && "
	      "tail -c +17 $DOC.block | head -c $n | gunzip | cmp - $DOC && "
	      "[ -z \"$(tail -c +$((17 + n)) $DOC.block | tr -d '\\0')\" ]; "
	      "rc=$?; rm $DOC.block; exit $rc");
	shell("[ \"$($AAELCTL initdata pack $DOC | $AAELCTL initdata digest -)\" = "
	      "\"sha384:$(sha384sum <$DOC | cut -d' ' -f1)\" ]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packs_and_unpacks),
		cmocka_unit_test(annotation_is_one_line_and_the_default),
		cmocka_unit_test(one_text_of_data),
		cmocka_unit_test(digest_and_mrconfigid),
		cmocka_unit_test(what_is_no_initdata_is_3_and_said),
		cmocka_unit_test(other_programs_agree),
	};

	return cmocka_run_group_tests_name("ctlinitdata", tests, prepare, tidy);
}
