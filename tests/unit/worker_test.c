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

static struct test_job new_job(bool slow, sem_t *wait)
{
	return (struct test_job){ .job = { .slow = slow, .run = run, .finish = finish },
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

/* One kind waits at the gate; the other runs, and comes back. */
static void one_kind_does_not_wait(bool slow)
{
	struct test_job held = new_job(slow, &gate), other = new_job(!slow, NULL);

	assert_int_equal(aaeld_worker_submit(worker, &held.job), 0);
	sem_wait(&at_gate);
	assert_int_equal(aaeld_worker_submit(worker, &other.job), 0);
	while (!other.finished)
		event_base_loop(base, EVLOOP_ONCE);
	assert_true(other.ran);
	assert_false(held.finished);
	sem_post(&gate);
	while (!held.finished)
		event_base_loop(base, EVLOOP_ONCE);
	stop();
}

static void events_do_not_wait_for_slow_jobs(void **state)
{
	(void)state;
	one_kind_does_not_wait(true);
}

static void slow_jobs_do_not_wait_for_events(void **state)
{
	(void)state;
	one_kind_does_not_wait(false);
}

static void queues_are_counted_apart(void **state)
{
	static struct test_job jobs[2][AAELD_QUEUE_MAX_JOBS + 2];
	static const unsigned int max[2] = { AAELD_QUEUE_MAX_JOBS, AAELD_SLOW_MAX_JOBS };

	(void)state;
	for (int slow = 0; slow < 2; slow++) {
		/* One runs, so many wait, and no more. */
		jobs[slow][0] = new_job(slow, &gate);
		assert_int_equal(aaeld_worker_submit(worker, &jobs[slow][0].job), 0);
		sem_wait(&at_gate);
		for (unsigned int i = 1; i <= max[slow]; i++) {
			jobs[slow][i] = new_job(slow, NULL);
			assert_int_equal(aaeld_worker_submit(worker, &jobs[slow][i].job), 0);
		}
		jobs[slow][max[slow] + 1] = new_job(slow, NULL);
		assert_int_equal(aaeld_worker_submit(worker, &jobs[slow][max[slow] + 1].job),
				 -EBUSY);
	}
	sem_post(&gate);
	sem_post(&gate);
	stop();
	for (int slow = 0; slow < 2; slow++) {
		assert_true(jobs[slow][0].ran);
		for (unsigned int i = 0; i <= max[slow]; i++)
			assert_true(jobs[slow][i].finished);
		assert_false(jobs[slow][max[slow] + 1].finished);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(events_do_not_wait_for_slow_jobs, setup),
		cmocka_unit_test_setup(slow_jobs_do_not_wait_for_events, setup),
		cmocka_unit_test_setup(queues_are_counted_apart, setup),
	};

	return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
