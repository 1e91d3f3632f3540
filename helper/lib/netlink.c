// SPDX-License-Identifier: Apache-2.0
/*
 * Client of the generic netlink family "aael". Every request asks for an ACK and
 * reads it: a call has succeeded only when the kernel said so.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include <linux/aael_netlink.h>

#include "libaael.h"

#define ANSWER_TIMEOUT_SECONDS 600

struct aael_nl {
	struct nl_sock *sock;
	struct nl_cb *cb;
	int family;
	/* of the call under way */
	bool done;
	bool replied;
	int error;
	struct aael_nl_status *status;
	char message[256];
};

/* libnl's own codes; what the kernel says comes through on_error() as an errno. */
static int errno_of(int nle)
{
	switch (nle < 0 ? -nle : nle) {
	case NLE_SUCCESS:
		return 0;
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_OBJ_NOTFOUND:
		return -ENOENT;
	case NLE_PERM:
		return -EPERM;
	case NLE_AGAIN:
		return -ETIMEDOUT;
	case NLE_INTR:
		return -EINTR;
	default:
		return -EPROTO;
	}
}

/*
 * The extended ACK: behind the error and, unless the message is capped, behind the
 * rest of our request come attributes, the message among them.
 */
static void keep_message(struct aael_nl *nl, const struct nlmsghdr *h)
{
	const struct nlmsgerr *e = nlmsg_data(h);
	size_t offset = sizeof(*e), left = (size_t)nlmsg_datalen(h);
	struct nlattr *attrs[NLMSGERR_ATTR_MAX + 1];

	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS) || left < offset)
		return;
	if (!(h->nlmsg_flags & NLM_F_CAPPED)) {
		if (e->msg.nlmsg_len < NLMSG_HDRLEN ||
		    e->msg.nlmsg_len - NLMSG_HDRLEN > left - offset)
			return;
		offset += NLMSG_ALIGN(e->msg.nlmsg_len) - NLMSG_HDRLEN;
	}
	if (offset > left)
		return;
	if (nla_parse(attrs, NLMSGERR_ATTR_MAX, (struct nlattr *)((char *)nlmsg_data(h) + offset),
		      (int)(left - offset), NULL) < 0 ||
	    !attrs[NLMSGERR_ATTR_MSG])
		return;
	nla_strlcpy(nl->message, attrs[NLMSGERR_ATTR_MSG], sizeof(nl->message));
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *e, void *arg)
{
	struct aael_nl *nl = arg;

	(void)from;
	nl->error = e->error < 0 ? e->error : -EPROTO;
	nl->done = true;
	keep_message(nl, (const struct nlmsghdr *)((const char *)e - NLMSG_HDRLEN));
	return NL_STOP;
}

static int on_ack(struct nl_msg *msg, void *arg)
{
	struct aael_nl *nl = arg;

	nl->done = true;
	keep_message(nl, nlmsg_hdr(msg));
	return NL_STOP;
}

static void get32(uint32_t *to, struct nlattr *a)
{
	if (a && nla_len(a) >= 4)
		*to = nla_get_u32(a);
}

static void get64(uint64_t *to, struct nlattr *a)
{
	if (a && nla_len(a) >= 8)
		*to = nla_get_u64(a);
}

static int on_reply(struct nl_msg *msg, void *arg)
{
	struct aael_nl *nl = arg;
	struct nlattr *a[AAEL_A_MAX + 1];
	struct aael_nl_status *s = nl->status;

	if (!s || genlmsg_parse(nlmsg_hdr(msg), 0, a, AAEL_A_MAX, NULL) < 0)
		return NL_SKIP;
	nl->replied = true;
	get32(&s->state, a[AAEL_A_STATE]);
	get32(&s->health, a[AAEL_A_HEALTH]);
	get32(&s->index, a[AAEL_A_INDEX]);
	get32(&s->reg, a[AAEL_A_REGISTER]);
	get64(&s->count, a[AAEL_A_COUNT]);
	get64(&s->bytes, a[AAEL_A_BYTES]);
	get64(&s->max_log_bytes, a[AAEL_A_MAX_LOG_BYTES]);
	get64(&s->violations, a[AAEL_A_VIOLATIONS]);
	get64(&s->dropped, a[AAEL_A_DROPPED]);
	if (a[AAEL_A_PROVIDER])
		nla_strlcpy(s->provider, a[AAEL_A_PROVIDER], sizeof(s->provider));
	return NL_OK;
}

static int set_options(struct aael_nl *nl)
{
	struct timeval wait = { .tv_sec = ANSWER_TIMEOUT_SECONDS };
	int fd = nl_socket_get_fd(nl->sock), on = 1;

	/* Older kernels lack the two; then there are no messages, that is all. */
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) ? -errno : 0;
}

int aael_nl_open(struct aael_nl **out)
{
	struct aael_nl *nl = calloc(1, sizeof(*nl));
	int ret = -ENOMEM;

	if (!nl)
		return -ENOMEM;
	nl->sock = nl_socket_alloc();
	nl->cb = nl_cb_alloc(NL_CB_DEFAULT);
	if (!nl->sock || !nl->cb)
		goto fail;
	ret = errno_of(genl_connect(nl->sock));
	if (!ret)
		ret = set_options(nl);
	if (ret)
		goto fail;
	nl->family = genl_ctrl_resolve(nl->sock, AAEL_FAMILY_NAME);
	if (nl->family < 0) {
		ret = errno_of(nl->family);
		goto fail;
	}
	nl_cb_err(nl->cb, NL_CB_CUSTOM, on_error, nl);
	nl_cb_set(nl->cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, nl);
	nl_cb_set(nl->cb, NL_CB_VALID, NL_CB_CUSTOM, on_reply, nl);
	*out = nl;
	return 0;
fail:
	aael_nl_close(nl);
	return ret;
}

void aael_nl_close(struct aael_nl *nl)
{
	if (!nl)
		return;
	nl_cb_put(nl->cb);
	nl_socket_free(nl->sock);
	free(nl);
}

static struct nl_msg *request(struct aael_nl *nl, uint8_t command)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (msg && genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, nl->family, 0,
			       NLM_F_REQUEST | NLM_F_ACK, command, AAEL_FAMILY_VERSION))
		return msg;
	nlmsg_free(msg);
	return NULL;
}

/* Consumes @msg; NULL, or an attribute that did not fit (@put < 0), is -ENOMEM. */
static int transact(struct aael_nl *nl, struct nl_msg *msg, int put)
{
	int ret = msg && put >= 0 ? 0 : -ENOMEM;

	nl->done = false;
	nl->replied = false;
	nl->error = 0;
	nl->message[0] = '\0';
	if (!ret) {
		ret = nl_send_auto(nl->sock, msg);
		ret = ret < 0 ? errno_of(ret) : 0;
	}
	nlmsg_free(msg);
	while (!ret && !nl->done) {
		int got = nl_recvmsgs(nl->sock, nl->cb);

		if (got < 0 && !nl->done)
			ret = errno_of(got);
	}
	return ret ? ret : nl->error;
}

int aael_nl_get_status(struct aael_nl *nl, struct aael_nl_status *status)
{
	int ret;

	memset(status, 0, sizeof(*status));
	nl->status = status;
	ret = transact(nl, request(nl, AAEL_CMD_GET_STATUS), 0);
	nl->status = NULL;
	return ret || nl->replied ? ret : -EPROTO;
}

int aael_nl_enable(struct aael_nl *nl, uint32_t index)
{
	struct nl_msg *msg = request(nl, AAEL_CMD_ENABLE);
	int put = 0;

	if (msg && index != AAEL_INDEX_DEFAULT)
		put = nla_put_u32(msg, AAEL_A_INDEX, index);
	return transact(nl, msg, put);
}

int aael_nl_set_limits(struct aael_nl *nl, uint64_t max_log_bytes)
{
	struct nl_msg *msg = request(nl, AAEL_CMD_SET_LIMITS);
	int put = msg ? nla_put_u64(msg, AAEL_A_MAX_LOG_BYTES, max_log_bytes) : 0;

	return transact(nl, msg, put);
}

int aael_nl_reserve_domain(struct aael_nl *nl, const char *domain)
{
	struct nl_msg *msg = request(nl, AAEL_CMD_RESERVE_DOMAIN);
	int put = msg ? nla_put_string(msg, AAEL_A_DOMAIN, domain) : 0;

	return transact(nl, msg, put);
}

const char *aael_nl_message(const struct aael_nl *nl)
{
	return nl->message;
}
