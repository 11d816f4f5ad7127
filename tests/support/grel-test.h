/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/grelmicro.h>

G_BEGIN_DECLS

/* How long a test waits for what has to happen before it says that it hangs. */
#define GREL_TEST_PATIENCE (60 * G_TIME_SPAN_SECOND)

/* Runs the thread-default context until the flag is set by what runs there. */
void grel_test_run_until (const int *flag);

/* The result of an asynchronous call, once it is there. */
typedef struct
{
  GAsyncResult *result;
  int is_done;
  guint n_calls;
  GMainContext *context; /* which one called back; not a reference */
} GrelTestResult;

void grel_test_result_ready (GObject *source, GAsyncResult *result, gpointer data);

GAsyncResult *grel_test_result_wait (GrelTestResult *self);

void grel_test_result_clear (GrelTestResult *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GrelTestResult, grel_test_result_clear)

/* Asynchronous calls, waited for on the thread-default context. */
gboolean grel_test_app_open (GrelApp *app, GError **error);
gboolean grel_test_app_close (GrelApp *app, GError **error);
gboolean grel_test_backend_open (GrelBackend *backend, GError **error);
gboolean grel_test_backend_close (GrelBackend *backend, GError **error);
GrelLease *grel_test_lock_acquire (GrelLock *lock, GTimeSpan timeout, GError **error);
gboolean grel_test_lock_is_locked (GrelLock *lock, GError **error);
GrelLease *grel_test_task_lock_acquire (GrelTaskLock *lock, GError **error);
gboolean grel_test_task_lock_is_locked (GrelTaskLock *lock, GError **error);
gboolean grel_test_lease_extend (GrelLease *lease, GError **error);
gboolean grel_test_lease_release (GrelLease *lease, GError **error);
GrelPermit *grel_test_circuit_breaker_acquire (GrelCircuitBreaker *breaker, GError **error);
gboolean grel_test_circuit_breaker_isolate (GrelCircuitBreaker *breaker, GError **error);
gboolean grel_test_circuit_breaker_reset (GrelCircuitBreaker *breaker, GError **error);
gboolean grel_test_permit_succeed (GrelPermit *permit, GError **error);
gboolean grel_test_permit_fail (GrelPermit *permit, GIOErrorEnum reason, GError **error);

/* Lets time pass: at once on a virtual clock, else for real; the thread-default context runs. */
void grel_test_pass_time (GrelVirtualClock *clock, GTimeSpan span);

/* Runs what is ready in the thread-default context. */
void grel_test_settle (void);

/* Runs a function on a thread of its own and waits for it; the thread-default context runs. */
void grel_test_in_thread (GFunc func, gpointer data);

/* A main context that runs on a thread of its own. */
typedef struct
{
  GMainContext *context;
  GMainLoop *loop;
  GThread *thread;
} GrelTestLoop;

GrelTestLoop *grel_test_loop_new (void);

/* Runs a function on the loop's thread and waits for it. */
void grel_test_loop_call (GrelTestLoop *self, GFunc func, gpointer data);

void grel_test_loop_open (GrelTestLoop *self, GrelApp *app);

/* Quits the loop and joins the thread; its context stays. */
void grel_test_loop_stop (GrelTestLoop *self);

void grel_test_loop_free (GrelTestLoop *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GrelTestLoop, grel_test_loop_free)

/* Checks the domain and code, and that the message holds the words. */
#define grel_test_assert_error(error, code, ...)                                                   \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_assert_error (error, GREL_ERROR, code);                                                      \
    grel_test_assert_words (error, (const char *[]){ __VA_ARGS__, NULL });                         \
    g_clear_error (&(error));                                                                      \
  }                                                                                                \
  G_STMT_END

void grel_test_assert_words (const GError *error, const char *const *words);

/* Polls until the function says that it is so; fails if that takes for ever. */
void grel_test_wait_for (gboolean (*is_so) (gpointer data), gpointer data);

G_END_DECLS
