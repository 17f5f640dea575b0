/* A clock that stands still until it is set. The libraries ask libc for the time; what an executable defines is found
 * before what libc does, so they ask here. Clocks of CPU time stay what they are. */
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "loss.h"

#define FOR_LIBRARIES __attribute__((visibility("default")))

static struct timespec started;
static uint64_t passed_ns;

void clock_start(void)
{
	syscall(SYS_clock_gettime, CLOCK_REALTIME, &started);
}

void clock_set(uint64_t mono_ns)
{
	passed_ns = mono_ns;
}

uint64_t clock_ns(void)
{
	return passed_ns;
}

static struct timespec virtual_now(void)
{
	uint64_t ns = (uint64_t)started.tv_nsec + passed_ns;
	return (struct timespec){started.tv_sec + (time_t)(ns / 1000000000), (long)(ns % 1000000000)};
}

tern_time bench_now(void)
{
	return (tern_time){passed_ns, (int64_t)virtual_now().tv_sec};
}

FOR_LIBRARIES int clock_gettime(clockid_t clock, struct timespec *out)
{
	if (clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID)
		return (int)syscall(SYS_clock_gettime, clock, out);
	*out = virtual_now();
	return 0;
}

FOR_LIBRARIES int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
	struct timespec t = virtual_now();
	(void)zone;
	*out = (struct timeval){t.tv_sec, t.tv_nsec / 1000};
	return 0;
}

FOR_LIBRARIES time_t time(time_t *out)
{
	time_t t = virtual_now().tv_sec;
	if (out)
		*out = t;
	return t;
}
