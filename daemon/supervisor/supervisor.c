/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Start-up and end of the daemon, with a configuration file or, in dev mode, with one made up.
 */
#include "supervisor.h"

#include "common/config.h"
#include "common/link.h"
#include "common/log.h"
#include "dev_dir.h"
#include "shardmgr.h"
#include "supervisor_loop.h"
#include "supervisor_spawn.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEEPER_TIMEOUT_MS 10000 /* sweeping may take a while */
#define REMOVE_TIMEOUT_MS 1000
#define DEV_NAME "smd dev" /* instead of a file's name in errors */

static void init_log(const struct config *config)
{
	enum log_level level = LOG_LEVEL_INFO;

	log_parse_level(config->log_level, &level);
	log_init("smd", level);
}

int supervisor_run(const char *config_path)
{
	struct supervisor_resources resources;
	struct supervisor_loop_options options = { .resources = &resources, .config_path = config_path };
	struct config *config;
	char *text;
	struct why why;
	int status;

	if (config_read(config_path, &config, &text, &why) != 0)
		fatalx("%s", why.text);
	init_log(config);
	if (supervisor_resources_open(&resources, config, text, &why) != 0)
		fatalx("%s", why.text);
	log_info("http on %s, runtime directory %s", resources.url, config->runtime_dir);
	status = supervisor_loop_run(&options);
	supervisor_resources_close(&resources);
	log_info("ended");
	return status;
}

/* ---- dev ---- */

struct dev {
	char dir[DEV_DIR_BYTES], persist[PATH_MAX];
	int lock_fd;
	pid_t keeper;
	int keeper_link_fd;
	struct supervisor_resources resources;
};

/* WHY: the keeper makes the directory, and before we do anything else: whoever kills us from here on, it cleans up */
static int start_keeper(struct dev *dev, struct why *why)
{
	const struct supervisor_spawn spawn = { "etcd", -1, -1, -1, true };
	json_t *config = json_pack("{s:s, s:s, s:s}", "type", "config", "dir", "", "persist", dev->persist),
	       *answer = NULL;
	const char *dir, *fatal;
	int error = supervisor_spawn_start(&spawn, &dev->keeper, &dev->keeper_link_fd, why);

	if (error == 0)
		error = config == NULL ? SM_ENOMEM : link_write_blocking(dev->keeper_link_fd, config);
	if (error == 0)
		error = link_read_blocking(dev->keeper_link_fd, KEEPER_TIMEOUT_MS, &answer);
	dir = json_string_value(json_object_get(answer, "dir"));
	fatal = json_string_value(json_object_get(answer, "text"));
	if (error == 0 && dir != NULL && strlen(dir) < sizeof(dev->dir)) {
		strcpy(dev->dir, dir);
		error = dev_dir_join(dir, &dev->lock_fd, why);
	} else {
		error = why_set(why, SM_ESYSTEM, "%s", fatal != NULL ? fatal : "the keeper of etcd did not start");
	}
	json_decref(config);
	json_decref(answer);
	return error;
}

/* A JSON string is a YAML one. */
static char *make_config_text(const struct dev *dev, const struct supervisor_dev_options *options)
{
	char endpoint[PATH_MAX], runtime_dir[PATH_MAX], *text;
	json_t *object;

	snprintf(endpoint, sizeof(endpoint), "unix://%s/" DEV_DIR_ETCD_SOCKET, dev->dir);
	snprintf(runtime_dir, sizeof(runtime_dir), "%s/run", dev->dir);
	object = json_pack("{s:s, s:I, s:[s], s:s, s:s}", "service", options->service, "port",
	        (json_int_t)options->port, "endpoints", endpoint, "etcdPrefix", "/sm", "runtimeDir", runtime_dir);
	text = object == NULL ? NULL : json_dumps(object, JSON_INDENT(1));
	json_decref(object);
	return text;
}

static void print_addresses(void *arg)
{
	const struct dev *dev = arg;

	printf("http: %s\netcd: unix://%s/" DEV_DIR_ETCD_SOCKET "\nruntime: %s/run\nready\n", dev->resources.url,
	        dev->dir, dev->dir);
	fflush(stdout);
}

static int run_dev(struct dev *dev, const struct supervisor_dev_options *options, struct why *why, int *ret_status)
{
	const struct supervisor_loop_options loop = { .resources = &dev->resources,
		.config_path = DEV_NAME,
		.ready = print_addresses,
		.arg = dev,
		.dev_dir = dev->dir,
		.dev_persist = dev->persist,
		.keeper = dev->keeper,
		.keeper_link_fd = dev->keeper_link_fd };
	char *text = make_config_text(dev, options);
	struct config *config = NULL;
	int error = text == NULL ? why_set(why, SM_EINVAL, "TMPDIR and the service's name must be UTF-8")
	                         : config_parse(DEV_NAME, text, strlen(text), &config, why);

	if (error == 0)
		error = supervisor_resources_open(&dev->resources, config, text, why);
	if (error != 0) {
		config_free(config);
		free(text);
		return error;
	}
	*ret_status = supervisor_loop_run(&loop);
	supervisor_resources_close(&dev->resources);
	return 0;
}

/* For the keeper this is our end: it cleans up, unless it ended before. */
static void abandon(const struct dev *dev)
{
	if (dev->keeper == 0)
		return;
	close(dev->keeper_link_fd);
	waitpid(dev->keeper, NULL, 0);
	if (dev->dir[0] != '\0')
		dev_dir_remove(dev->dir, 0);
}

/* etcd runs in another directory. */
static int make_absolute(const char *path, char *ret_path, size_t bytes)
{
	char cwd[PATH_MAX] = "";

	if (path[0] != '/' && getcwd(cwd, sizeof(cwd)) == NULL)
		return -1;
	return snprintf(ret_path, bytes, "%s%s%s", cwd, cwd[0] != '\0' ? "/" : "", path) < (int)bytes ? 0 : -1;
}

int supervisor_dev(const struct supervisor_dev_options *options)
{
	struct dev dev = { .dir = "" };
	struct why why;
	int status = 1, error;

	log_init("smd", LOG_LEVEL_INFO);
	if (options->persist != NULL && options->persist[0] == '\0')
		fatalx("--persist: the directory is empty; name one, or leave --persist out to keep nothing");
	if (options->persist != NULL && make_absolute(options->persist, dev.persist, sizeof(dev.persist)) < 0)
		fatalx("--persist: the path is too long");
	error = start_keeper(&dev, &why);
	if (error == 0)
		error = run_dev(&dev, options, &why, &status);
	if (error != 0) {
		abandon(&dev);
		fatalx("%s", why.text);
	}
	if (dev_dir_remove(dev.dir, REMOVE_TIMEOUT_MS) != 0)
		log_error("cannot remove %s; the next smd dev does", dev.dir);
	return status;
}
