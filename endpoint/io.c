/* The system calls, in batches and one at a time, and the clock. */
#include "endpoint.h"

#include <sys/socket.h>
#include <time.h>

static int send_batch(int fd, struct mmsghdr *messages, unsigned num)
{
	return sendmmsg(fd, messages, num, 0);
}

static int receive_batch(int fd, struct mmsghdr *messages, unsigned num)
{
	return recvmmsg(fd, messages, num, MSG_DONTWAIT, NULL);
}

static int send_plain(int fd, struct mmsghdr *messages, unsigned num)
{
	(void)num;
	return sendmsg(fd, &messages->msg_hdr, 0) < 0 ? -1 : 1;
}

static int receive_plain(int fd, struct mmsghdr *messages, unsigned num)
{
	for (unsigned i = 0; i < num; i++) {
		ssize_t n = recvmsg(fd, &messages[i].msg_hdr, MSG_DONTWAIT);
		if (n < 0)
			return i ? (int)i : -1;
		messages[i].msg_len = (unsigned)n;
	}
	return (int)num;
}

static void read_clock(tern_time *now)
{
	struct timespec mono, real;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME_COARSE, &real);
	*now = (tern_time){(uint64_t)mono.tv_sec * 1000000000u + (uint64_t)mono.tv_nsec, real.tv_sec};
}

const struct io io_batch = {send_batch, receive_batch, read_clock};
const struct io io_plain = {send_plain, receive_plain, read_clock};
