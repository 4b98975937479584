/* SPDX-License-Identifier: Apache-2.0
 * Copyright The sm Authors
 *
 * The deadline arithmetic of a session.
 */
#include "container_session.h"

void container_session_init(struct container_session *session, uint32_t ttl_s)
{
	*session = (struct container_session){ .belief_ms = clocks_belief_ms(ttl_s) };
}

struct container_session_mark container_session_send(const struct container_session *session, struct clocks now)
{
	return (struct container_session_mark){
		.sent = now,
		.incarnation = session->incarnation,
		.revision = session->revision,
		.raft_term = session->raft_term,
	};
}

bool container_session_went_back(struct container_session *session, const struct container_session_mark *mark,
        int64_t revision, uint64_t raft_term)
{
	/* Against the mark and not against the newest: answers of requests that were under way together may come in any order. */
	if (revision < mark->revision || raft_term < mark->raft_term) {
		session->revision = revision;
		session->raft_term = raft_term;
		return true;
	}
	if (revision > session->revision)
		session->revision = revision;
	if (raft_term > session->raft_term)
		session->raft_term = raft_term;
	return false;
}

static struct clocks deadline_of(const struct container_session *session, const struct container_session_mark *mark)
{
	return clocks_after(mark->sent, (uint64_t)session->belief_ms * 1000000u);
}

void container_session_begin(
        struct container_session *session, int64_t incarnation, const struct container_session_mark *mark)
{
	session->incarnation = incarnation;
	session->deadline = deadline_of(session, mark);
	session->suspended = false;
}

enum container_session_proof container_session_prove(
        struct container_session *session, const struct container_session_mark *mark, struct clocks now)
{
	if (session->incarnation == 0 || mark->incarnation != session->incarnation)
		return CONTAINER_SESSION_DISCARDED;
	struct clocks deadline = deadline_of(session, mark);
	if (deadline.boot_ns <= session->deadline.boot_ns || deadline.raw_ns <= session->deadline.raw_ns)
		return CONTAINER_SESSION_DISCARDED;
	session->deadline = deadline;
	if (!session->suspended || clocks_passed_either(now, deadline))
		return CONTAINER_SESSION_EXTENDED;
	session->suspended = false;
	return CONTAINER_SESSION_RESUMED;
}

bool container_session_live(const struct container_session *session, struct clocks now)
{
	return session->incarnation != 0 && !clocks_passed_either(now, session->deadline);
}

bool container_session_suspend(struct container_session *session, struct clocks now)
{
	if (session->incarnation == 0 || session->suspended || !clocks_passed_either(now, session->deadline))
		return false;
	session->suspended = true;
	return true;
}

uint64_t container_session_left_ns(const struct container_session *session, struct clocks now)
{
	if (!container_session_live(session, now))
		return 0;
	uint64_t boot = session->deadline.boot_ns - now.boot_ns, raw = session->deadline.raw_ns - now.raw_ns;
	return boot < raw ? boot : raw;
}

void container_session_end(struct container_session *session)
{
	session->incarnation = 0;
	session->suspended = false;
	session->deadline = (struct clocks){ 0, 0 };
}
