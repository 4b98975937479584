/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * config.h: sm-go's sample is read unchanged, defaults, and every way to get a file wrong with the text that people see.
 */
#include "common/config.h"
#include "shardmgr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SAMPLE "service: foo.bar\nport: 8801\nendpoints:\n  - 127.0.0.1:2379\netcdPrefix: /sm\n"
#define PARSE(text, ret, why) config_parse("f.yml", text, strlen(text), ret, why)

static void test_sample(void **state)
{
	struct config *config;
	struct why why;

	(void)state;
	if (PARSE(SAMPLE, &config, &why) != 0)
		fail_msg("%s", why.text);
	assert_string_equal(config->service, "foo.bar");
	assert_int_equal(config->port, 8801);
	assert_int_equal(config->endpoint_count, 1);
	assert_string_equal(config->endpoints[0], "127.0.0.1:2379");
	assert_null(config->endpoints[1]);
	assert_string_equal(config->etcd_prefix, "/sm");
	assert_string_equal(config->listen, "127.0.0.1");
	assert_string_equal(config->runtime_dir, "/run/shardmgr");
	assert_string_equal(config->log_level, "info");
	assert_false(config->insecure);
	assert_false(config->compat_get_del_spec);
	assert_int_equal(config->max_connections, 1000);
	assert_int_equal(config->container_timeout_ms, 5000);
	assert_null(config->etcd_username);
	config_free(config);
}

static void test_everything(void **state)
{
	static const char *const text =
	        "%YAML 1.1\n---\nservice: 'x'\nport: 0\nendpoints: [\"http://h:1\", https://h:2, unix:///tmp/a "
	        "b/client:1, '[::1]:3']\n"
	        "etcdPrefix: \"/a/b\"\nlisten: \"::\"\ninsecure: true\nruntimeDir: /tmp/x\nlogLevel: "
	        "debug\nmaxConnections: 5\n"
	        "maxHeaderBytes: 4096\nmaxBodyBytes: 2048\nrequestTimeoutMs: 100\ncontainerTimeoutMs: "
	        "200\netcdUsername: u\n"
	        "etcdPassword: \"\"\netcdCa: ca\netcdCert: c\netcdKey: k\ncompat:\n  getDelSpec: true\n";
	struct config *config;
	struct why why;

	(void)state;
	if (PARSE(text, &config, &why) != 0)
		fail_msg("%s", why.text);
	assert_int_equal(config->endpoint_count, 4);
	assert_string_equal(config->endpoints[2], "unix:///tmp/a b/client:1");
	assert_string_equal(config->etcd_password, "");
	assert_true(config->insecure);
	assert_true(config->compat_get_del_spec);
	assert_int_equal(config->max_body_bytes, 2048);
	config_free(config);
}

/* What stands behind a sample that is right, or instead of it, and the whole text that must come of it. */
static const struct {
	const char *text, *expected;
} bad[] = {
	{ SAMPLE "prot: 1\n", "f.yml:6:1: unknown key \"prot\"; did you mean \"port\"?" },
	{ SAMPLE "colour: red\n", "f.yml:6:1: unknown key \"colour\"; \"smd --help\" lists them all" },
	{ SAMPLE "compat: {getdelspec: true}\n",
	        "f.yml:6:10: unknown key \"compat.getdelspec\"; did you mean \"compat.getDelSpec\"?" },
	{ SAMPLE "compat: true\n", "f.yml:6:1: compat: this must be keys with values, indented" },
	{ SAMPLE "compat.getDelSpec: true\n", "f.yml:6:1: this is not a name that a key can have" },
	{ SAMPLE "port: 1\n", "f.yml:6:1: key \"port\" is here a second time, first in line 2; remove one" },
	{ SAMPLE "compat: {getDelSpec: true, getDelSpec: false}\n",
	        "f.yml:6:28: key \"compat.getDelSpec\" is here a second time, first in line 6; remove one" },
	{ SAMPLE "maxConnections: many\n", "f.yml:6:17: maxConnections: \"many\" is not a decimal number, as in 1000" },
	{ SAMPLE "maxConnections: 0x10\n", "f.yml:6:17: maxConnections: \"0x10\" is not a decimal number, as in 1000" },
	{ SAMPLE "maxConnections: 010\n", "f.yml:6:17: maxConnections: \"010\" is not a decimal number, as in 1000" },
	{ SAMPLE "maxConnections: 1.5\n", "f.yml:6:17: maxConnections: \"1.5\" is not a decimal number, as in 1000" },
	{ SAMPLE "maxConnections: \"5\"\n", "f.yml:6:17: maxConnections: this must be a number, without quotes" },
	{ SAMPLE "maxConnections: 0\n", "f.yml:6:17: maxConnections: 0 is out of range; 1 to 100000 are allowed" },
	{ SAMPLE "maxConnections: -1\n", "f.yml:6:17: maxConnections: -1 is out of range; 1 to 100000 are allowed" },
	{ SAMPLE "maxConnections: 99999999999999999999999\n",
	        "f.yml:6:17: maxConnections: 99999999999999999999999 is out of range; 1 to 100000 are allowed" },
	{ SAMPLE "maxConnections:\n",
	        "f.yml:6:1: maxConnections: it has no value; write a number, as in \"maxConnections: 1000\"" },
	{ SAMPLE "maxConnections: [1]\n",
	        "f.yml:6:1: maxConnections: this must be a number, as in \"maxConnections: 1000\"" },
	{ SAMPLE "listen: {a: 1}\n", "f.yml:6:1: listen: this must be a text, as in \"listen: 127.0.0.1\"" },
	{ SAMPLE "insecure: yes\n", "f.yml:6:11: insecure: \"yes\" is neither true nor false" },
	{ SAMPLE "insecure: 1\n", "f.yml:6:11: insecure: \"1\" is neither true nor false" },
	{ SAMPLE "logLevel: loud\n", "f.yml:6:11: logLevel: \"loud\" is none of debug, info, warning, error" },
	{ SAMPLE "runtimeDir: run\n", "f.yml:6:13: runtimeDir: \"run\" must be an absolute path" },
	{ SAMPLE "listen: localhost\n",
	        "f.yml:6:9: listen: \"localhost\" is not an IPv4 or IPv6 address, as in 127.0.0.1; "
	        "the port has its own key" },
	{ SAMPLE "listen: 0.0.0.0\n",
	        "f.yml:6:1: listen: 0.0.0.0 is not a loopback address, and there is no authentication yet: "
	        "add \"insecure: true\" if everyone who can reach it may change everything" },
	{ SAMPLE "etcdUsername: u\n", "f.yml:6:1: etcdUsername and etcdPassword go together; add the other one" },
	{ SAMPLE "etcdKey: k\n", "f.yml:6:1: etcdKey: etcdCert and etcdKey go together; add the other one" },
	{ SAMPLE "a: &x 1\n", "f.yml:6:4: anchors are not supported; leave it out" },
	{ SAMPLE "a: *x\n", "f.yml:6:4: aliases are not supported; write the value itself" },
	{ SAMPLE "a: !!int 1\n", "f.yml:6:4: tags are not supported; leave it out" },
	{ SAMPLE "[a]: 1\n", "f.yml:6:1: a key must be a plain name" },
	{ SAMPLE "\"\": 1\n", "f.yml:6:1: this is not a name that a key can have" },
	{ SAMPLE "a: {b: {c: 1}}\n", "f.yml:6:8: mappings may be two deep at most" },
	{ SAMPLE "a: [[1]]\n", "f.yml:6:5: a list may have only texts in it" },
	{ SAMPLE "---\na: 1\n", "f.yml:6:1: only one document is taken; remove this one" },
	{ SAMPLE "compat:\n\tgetDelSpec: true\n", "f.yml:7:1: while scanning for the next token: found character that "
	                                          "cannot start any token; indent with spaces, YAML takes no "
	                                          "tabs there" },
	{ SAMPLE "a: \"x\n", "f.yml:7:1: while scanning a quoted scalar: found unexpected end of stream" },
	{ SAMPLE "a: \xff\n", "f.yml:6:4: invalid leading UTF-8 octet; the file must be UTF-8 text" },
	{ SAMPLE "a: \x01\n", "f.yml:6:4: control characters are not allowed; the file must be UTF-8 text" },
	{ SAMPLE "a: \"\\0\"\n", "f.yml:6:4: a text must not contain NUL" },
	{ "\xef\xbb\xbf" SAMPLE "a: \"\\0\"\n", "f.yml:6:4: a text must not contain NUL" }, /* a byte order mark */
	{ "- a\n", "f.yml:1:1: this must be keys with values, as in \"port: 8801\"" },
	{ "hello\n", "f.yml:1:1: this must be keys with values, as in \"port: 8801\"" },
	{ "service: foo/bar\nport: 65536\nendpoints: [h, \"h:1\", ftp://x:1, \"unix:///\"]\netcdPrefix: sm/\n",
	        "f.yml:1:10: service: '/' at byte 4 is not allowed; use letters, digits and . _ : -\n"
	        "f.yml:2:7: port: 65536 is out of range; 0 to 65535 are allowed\n"
	        "f.yml:3:13: endpoints: an endpoint: \"h\" is not host:port or [v6 address]:port\n"
	        "f.yml:3:23: endpoints: \"ftp://x:1\" begins with none of http:// https:// unix:///\n"
	        "f.yml:3:34: endpoints: \"unix:///\" has no path; write unix:///path/to/socket\n"
	        "f.yml:4:13: etcdPrefix must begin with '/', as in \"/sm\"" },
	{ "service: a\nport: 1\nendpoints: []\netcdPrefix: /sm\n",
	        "f.yml:3:1: endpoints: the list is empty; give it one text at least" },
	{ "service: a\nport: 1\nendpoints: h:1\netcdPrefix: ~\n",
	        "f.yml:3:1: endpoints: this must be a list of texts, as in \"endpoints: [127.0.0.1:2379]\"\n"
	        "f.yml:4:1: etcdPrefix: it has no value; write a text, as in \"etcdPrefix: /sm\"" },
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct config *config = NULL;
		struct why why = { "" };

		assert_int_equal(PARSE(bad[i].text, &config, &why), SM_EINVAL);
		assert_string_equal(why.text, bad[i].expected);
		assert_null(config);
		assert_int_equal(PARSE(bad[i].text, &config, NULL), SM_EINVAL);
	}
}

static void test_missing(void **state)
{
	static const char *const empty[] = { "", "# nothing\n", "---\n", "{}\n", "\n\n" };
	struct config *config;
	struct why why;

	(void)state;
	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
		assert_int_equal(PARSE(empty[i], &config, &why), SM_EINVAL);
		assert_string_equal(why.text, "f.yml: key \"service\" is missing (the manager's own service name); "
		                              "add, for example, \"service: foo.bar\"\n"
		                              "f.yml: key \"port\" is missing (of the HTTP front; 0 takes any free "
		                              "one); add, for example, \"port: 8801\"\n"
		                              "f.yml: key \"endpoints\" is missing (etcd's: host:port, http://, "
		                              "https:// or unix:///path); add, for example, "
		                              "\"endpoints: [127.0.0.1:2379]\"\n"
		                              "f.yml: key \"etcdPrefix\" is missing (everything in etcd is under it); "
		                              "add, for example, \"etcdPrefix: /sm\"");
	}
}

static void test_many_errors(void **state)
{
	char text[4096] = SAMPLE;
	struct config *config;
	struct why why;
	char *end;

	(void)state;
	for (int i = 0; i < 100; i++)
		snprintf(text + strlen(text), 32, "unknown%d: 1\n", i);
	assert_int_equal(PARSE(text, &config, &why), SM_EINVAL);
	end = strrchr(why.text, '\n');
	assert_non_null(strstr(end, "… and "));
	assert_non_null(strstr(end, " more"));
}

/* Every prefix of a file, and every byte of it broken: an error or a configuration, never a crash. */
static void test_broken_files(void **state)
{
	char text[] = SAMPLE "compat: {getDelSpec: true}\nlisten: '::1'\n";
	size_t bytes = sizeof(text) - 1;
	unsigned seed = 1;

	(void)state;
	for (size_t i = 0; i <= bytes; i++) {
		struct config *config = NULL;

		config_parse("f.yml", text, i, &config, NULL);
		config_free(config);
	}
	for (size_t n = 0; n < 5000; n++) {
		struct config *config = NULL;
		size_t at = (size_t)rand_r(&seed) % bytes;
		char before = text[at];

		text[at] = (char)rand_r(&seed);
		config_parse("f.yml", text, bytes, &config, NULL);
		config_free(config);
		text[at] = before;
	}
}

static void test_read(void **state)
{
	char path[] = "/tmp/test_config_XXXXXX";
	int fd = mkstemp(path);
	struct config *config;
	struct why why;
	char *text;

	(void)state;
	assert_int_equal(write(fd, SAMPLE, strlen(SAMPLE)), strlen(SAMPLE));
	close(fd);
	assert_int_equal(config_read(path, &config, &text, &why), 0);
	assert_string_equal(text, SAMPLE);
	free(text);
	config_free(config);
	unlink(path);
	assert_int_equal(config_read("/nowhere/f.yml", &config, &text, &why), SM_ESYSTEM);
	assert_string_equal(why.text, "/nowhere/f.yml: No such file or directory; give the path of a readable file");
	assert_int_equal(config_read("/tmp", &config, &text, &why), SM_ESYSTEM);
	assert_int_equal(config_read("/dev/zero", &config, &text, &why), SM_EINVAL);
	assert_string_equal(why.text, "/dev/zero: longer than 1048576 bytes; this is no configuration");
}

static void test_describe(void **state)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	(void)state;
	config_describe(out);
	fclose(out);
	assert_non_null(strstr(text, "etcdPrefix"));
	assert_non_null(strstr(text, "compat.getDelSpec"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_many_errors),
		cmocka_unit_test(test_broken_files),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_describe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
