/* A wall clock that a test can step: preloaded, it adds the seconds that stand in a file.
 *
 * The file named by STEPPED_CLOCK holds one 64-bit integer and is mapped, so that a step reaches
 * every process at once.  Only the wall clock is moved, as settimeofday moves it: monotonic
 * clocks, sleeps and the times of files stay.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *step_s;
static int (*real_clock_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void map_the_step(void)
{
    const char *name = getenv("STEPPED_CLOCK");
    int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    void *page = MAP_FAILED;

    if (file >= 0)
        page = mmap(NULL, sizeof *step_s, PROT_READ, MAP_SHARED, file, 0);
    if (page == MAP_FAILED) {
        fputs("stepped_clock: STEPPED_CLOCK names no file that can be mapped\n", stderr);
        _exit(127);
    }
    close(file);
    step_s = page;
    *(void **)&real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int failed;

    if (!real_clock_gettime) /* another library's constructor ran before ours */
        map_the_step();
    failed = real_clock_gettime(clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += *step_s;
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec exact;
    int failed = clock_gettime(CLOCK_REALTIME, &exact);

    (void)zone;
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return failed;
}

time_t time(time_t *where)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (where)
        *where = now.tv_sec;
    return now.tv_sec;
}
