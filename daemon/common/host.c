/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * Reads /proc.
 */
#include "host.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTOR_BYTES 512u /* the unit of /proc/diskstats, whatever the disk's own is */

static json_t *memory(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long total = 0, available = 0, unused = 0, used;
	char line[256];

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		sscanf(line, "MemTotal: %llu", &total);
		sscanf(line, "MemAvailable: %llu", &available);
		sscanf(line, "MemFree: %llu", &unused);
	}
	if (file != NULL)
		fclose(file);
	used = total > available ? total - available : 0;
	return json_pack("{s:I, s:I, s:I, s:f, s:I}", "total", (json_int_t)(total * 1024), "available",
	        (json_int_t)(available * 1024), "used", (json_int_t)(used * 1024), "usedPercent",
	        total == 0 ? 0.0 : 100.0 * (double)used / (double)total, "free", (json_int_t)(unused * 1024));
}

/* WHY: the load of the last minute per processor, not a difference of two samples: that would need a memory of the last call */
static double cpu_used_percent(void)
{
	double load;
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (getloadavg(&load, 1) != 1 || processors < 1)
		return 0;
	load = 100.0 * load / (double)processors;
	return load > 100 ? 100 : load;
}

static json_t *disks(void)
{
	FILE *file = fopen("/proc/diskstats", "re");
	json_t *list = json_array();
	char line[512], name[64], path[96];
	unsigned long long reads, read_sectors, writes, written_sectors;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "%*u %*u %63s %llu %*u %llu %*u %llu %*u %llu", name, &reads, &read_sectors, &writes,
		            &written_sectors) != 5 ||
		        reads + writes == 0)
			continue;
		/* Whole disks only: what a partition does is in its disk's figures. */
		snprintf(path, sizeof(path), "/sys/block/%s", name);
		if (access(path, F_OK) < 0)
			continue;
		json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:I, s:I}", "name", name, "readCount",
		                                    (json_int_t)reads, "writeCount", (json_int_t)writes, "readBytes",
		                                    (json_int_t)(read_sectors * SECTOR_BYTES), "writeBytes",
		                                    (json_int_t)(written_sectors * SECTOR_BYTES)));
	}
	if (file != NULL)
		fclose(file);
	return list;
}

static json_t *network(void)
{
	FILE *file = fopen("/proc/net/dev", "re");
	char line[512];
	unsigned long long received = 0, received_packets = 0, sent = 0, sent_packets = 0;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		unsigned long long in, in_packets, out, out_packets;
		const char *colon = strchr(line, ':');

		if (colon == NULL || sscanf(colon + 1, "%llu %llu %*u %*u %*u %*u %*u %*u %llu %llu", &in, &in_packets,
		                             &out, &out_packets) != 4)
			continue;
		received += in;
		received_packets += in_packets;
		sent += out;
		sent_packets += out_packets;
	}
	if (file != NULL)
		fclose(file);
	return json_pack("{s:I, s:I, s:I, s:I}", "bytesSent", (json_int_t)sent, "bytesRecv", (json_int_t)received,
	        "packetsSent", (json_int_t)sent_packets, "packetsRecv", (json_int_t)received_packets);
}

json_t *host_figures(void)
{
	return json_pack("{s:o, s:f, s:o, s:o}", "virtualMemoryStat", memory(), "cpuUsedPercent", cpu_used_percent(),
	        "diskIOCountersStat", disks(), "netIOCountersStat", network());
}
