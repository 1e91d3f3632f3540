// SPDX-License-Identifier: Apache-2.0
/* Slow jobs and the others do not wait for each other, and their queues are counted apart. */
#include <errno.h>
#include <event2/event.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aaeld.h"

struct test_job {
	struct aaeld_job job;
	sem_t *gate; /* that it waits for, or NULL */
	bool ran, finished;
};

static struct event_base *base;
static struct aaeld_worker *worker;
static sem_t gate, at_gate;

static void run(struct aaeld_job *job)
{
	struct test_job *j = (struct test_job *)job;

	if (j->gate) {
		sem_post(&at_gate);
		sem_wait(j->gate);
	}
	j->ran = true;
}

static void finish(struct aaeld_job *job)
{
	((struct test_job *)job)->finished = true;
}

static struct test_job new_job(enum aaeld_lane lane, sem_t *wait)
{
	return (struct test_job){ .job = { .lane = lane, .run = run, .finish = finish },
				  .gate = wait };
}

static int setup(void **state)
{
	(void)state;
	sem_init(&gate, 0, 0);
	sem_init(&at_gate, 0, 0);
	base = event_base_new();
	worker = aaeld_worker_new(base);
	return !worker;
}

static void stop(void)
{
	aaeld_worker_free(worker);
	event_base_free(base);
}

/* One lane waits at the gate; the others run, and come back. */
static void no_lane_waits_for_another(void **state)
{
	struct test_job jobs[AAELD_LANES];
	unsigned int held = (unsigned int)(uintptr_t)*state;

	for (unsigned int lane = 0; lane < AAELD_LANES; lane++)
		jobs[lane] = new_job(lane, lane == held ? &gate : NULL);
	assert_int_equal(aaeld_worker_submit(worker, &jobs[held].job), 0);
	sem_wait(&at_gate);
	for (unsigned int lane = 0; lane < AAELD_LANES; lane++) {
		if (lane == held)
			continue;
		assert_int_equal(aaeld_worker_submit(worker, &jobs[lane].job), 0);
		while (!jobs[lane].finished)
			event_base_loop(base, EVLOOP_ONCE);
		assert_true(jobs[lane].ran);
	}
	assert_false(jobs[held].finished);
	sem_post(&gate);
	while (!jobs[held].finished)
		event_base_loop(base, EVLOOP_ONCE);
	stop();
}

static void queues_are_counted_apart(void **state)
{
	static struct test_job jobs[AAELD_LANES][AAELD_EVENTS_MAX_JOBS + 2];
	static const unsigned int max[AAELD_LANES] = {
		AAELD_EVENTS_MAX_JOBS,
		AAELD_QUOTES_MAX_JOBS,
		AAELD_KBS_MAX_JOBS,
	};

	(void)state;
	for (unsigned int lane = 0; lane < AAELD_LANES; lane++) {
		/* One runs, so many wait, and no more. */
		jobs[lane][0] = new_job(lane, &gate);
		assert_int_equal(aaeld_worker_submit(worker, &jobs[lane][0].job), 0);
		sem_wait(&at_gate);
		for (unsigned int i = 1; i <= max[lane]; i++) {
			jobs[lane][i] = new_job(lane, NULL);
			assert_int_equal(aaeld_worker_submit(worker, &jobs[lane][i].job), 0);
		}
		jobs[lane][max[lane] + 1] = new_job(lane, NULL);
		assert_int_equal(aaeld_worker_submit(worker, &jobs[lane][max[lane] + 1].job),
				 -EBUSY);
	}
	for (unsigned int lane = 0; lane < AAELD_LANES; lane++)
		sem_post(&gate);
	stop();
	for (unsigned int lane = 0; lane < AAELD_LANES; lane++) {
		assert_true(jobs[lane][0].ran);
		for (unsigned int i = 0; i <= max[lane]; i++)
			assert_true(jobs[lane][i].finished);
		assert_false(jobs[lane][max[lane] + 1].finished);
	}
}

#define HELD(number)                                                            \
	{ "no_lane_waits_for_" #number, no_lane_waits_for_another, setup, NULL, \
	  (void *)(uintptr_t)AAELD_LANE_##number }

int main(void)
{
	const struct CMUnitTest tests[] = {
		HELD(EVENTS),
		HELD(QUOTES),
		HELD(KBS),
		cmocka_unit_test_setup(queues_are_counted_apart, setup),
	};

	return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
