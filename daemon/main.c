/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The command line of smd.
 */
#include "common/config.h"
#include "common/role.h"
#include "supervisor/dev_keeper.h"
#include "supervisor/supervisor.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define USAGE_STATUS 2

static const struct {
	const char *name;
	int (*main)(void);
} roles[] = {
	{ "sync", sync_main },
	{ "balancer", balancer_main },
	{ "http", http_main },
	{ "etcd", dev_keeper_main },
};

static void print_usage(FILE *out)
{
	fputs("usage: smd --config-file FILE            run the daemon in the foreground\n"
	      "       smd --check --config-file FILE    only say whether FILE is right\n"
	      "       smd dev [--persist DIR] [--port N] [--service NAME]\n"
	      "                                         run it with a private etcd; gone without trace on Ctrl-C\n"
	      "       smd --help | --version\n",
	        out);
}

static int print_help(void)
{
	print_usage(stdout);
	puts("\nSIGHUP reads FILE again, SIGTERM stops. The configuration is YAML; its keys, with type and default:\n");
	config_describe(stdout);
	return 0;
}

static _Noreturn void refuse_usage(const char *text, const char *what)
{
	fprintf(stderr, "smd: %s%s\n", text, what);
	print_usage(stderr);
	exit(USAGE_STATUS);
}

static int check(const char *path)
{
	struct config *config;
	struct why why;

	if (config_read(path, &config, NULL, &why) != 0) {
		fprintf(stderr, "%s\n", why.text);
		return 1;
	}
	config_free(config);
	printf("%s: ok\n", path);
	return 0;
}

static int run_role(const char *name)
{
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (strcmp(roles[i].name, name) == 0)
			return roles[i].main();
	refuse_usage("there is no role ", name);
}

static int64_t parse_port(const char *text)
{
	char *end;
	long port = strtol(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || port > 65535)
		refuse_usage("--port must be a number from 0 to 65535, not ", text);
	return port;
}

static int dev(int argc, char **argv)
{
	static const struct option longs[] = { { "persist", required_argument, NULL, 'd' },
		{ "port", required_argument, NULL, 'p' }, { "service", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' }, { 0 } };
	struct supervisor_dev_options options = { .service = "sm.dev" };
	int c;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		switch (c) {
		case 'd':
			options.persist = optarg;
			break;
		case 'p':
			options.port = parse_port(optarg);
			break;
		case 's':
			options.service = optarg;
			break;
		case 'h':
			return print_help();
		default:
			print_usage(stderr);
			return USAGE_STATUS;
		}
	}
	if (optind < argc)
		refuse_usage("dev takes no argument ", argv[optind]);
	return supervisor_dev(&options);
}

/* Descriptors that we open must not land on 0, 1 or 2, where somebody would write to them. */
static void open_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO && fcntl(fd, F_SETFD, 0) == 0);
	if (fd > STDERR_FILENO)
		close(fd);
}

/* Whoever started us may have blocked some. */
static void unblock_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = { { "config-file", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 'k' }, { "role", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'v' }, { 0 } };
	const char *path = NULL;
	bool check_only = false;
	int c;

	open_standard_descriptors();
	unblock_signals();
	if (argc > 1 && strcmp(argv[1], "dev") == 0) {
		argv[1] = argv[0]; /* getopt's messages begin with it */
		return dev(argc - 1, argv + 1);
	}
	while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			path = optarg;
			break;
		case 'k':
			check_only = true;
			break;
		case 'r':
			return run_role(optarg);
		case 'h':
			return print_help();
		case 'v':
			puts("smd " SM_VERSION);
			return 0;
		default:
			print_usage(stderr);
			return USAGE_STATUS;
		}
	}
	if (optind < argc)
		refuse_usage("unknown argument ", argv[optind]);
	if (path == NULL)
		refuse_usage("--config-file is missing", "");
	return check_only ? check(path) : supervisor_run(path);
}
