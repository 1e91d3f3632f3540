// SPDX-License-Identifier: Apache-2.0
/* Each line of standard input is a JSON text; its canonical form becomes a line of output. */
#include <stdio.h>
#include <stdlib.h>

#include "jcs.h"
#include "json.h"

static int put_line(const char *line, size_t size, unsigned int number)
{
	struct aael_json_error err;
	struct cJSON *value;
	int ret;

	if (aael_json_parse(line, size, &value, &err)) {
		fprintf(stderr, "line %u: %s\n", number, err.text);
		return -1;
	}
	ret = aael_jcs_put(stdout, value);
	if (ret)
		fprintf(stderr, "line %u: %d\n", number, ret);
	aael_json_free(value);
	putchar('\n');
	return ret;
}

int main(void)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t size;
	int ret = 0;

	for (unsigned int i = 1; !ret && (size = getline(&line, &room, stdin)) > 0; i++)
		ret = put_line(line, (size_t)size, i);
	free(line);
	return ret || fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
