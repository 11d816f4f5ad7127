/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-proxy.h"
#include "grel-test-redis.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* How a store connects, and what one is told if it can't. */

#define PASSWORD "SECRET"

static GrelTestRedis *redis;

/* Nothing that is logged repeats the password. */
static GLogWriterOutput
check_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  for (gsize i = 0; i < n_fields; i++)
    if (fields[i].length < 0 && strstr (fields[i].value, PASSWORD) != NULL)
      g_abort ();
  return g_log_writer_default (level, fields, n_fields, data);
}

static gboolean
try_open (const char *uri, GError **error)
{
  g_autoptr (GrelApp) app = grel_app_new_for_uri (uri, error);

  if (app == NULL || !grel_test_app_open (app, error))
    return FALSE;
  return grel_test_app_close (app, error);
}

static void
expect_open (const char *uri)
{
  g_autoptr (GError) error = NULL;

  try_open (uri, &error);
  g_assert_no_error (error);
}

static void
expect_refusal (const char *uri, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_test_message ("%s", word);
  g_assert_false (try_open (uri, &error));
  g_assert_null (strstr (error->message, PASSWORD));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "GrelRedisProvider", word);
}

static char *
uri_with_login (const char *login, const char *query)
{
  return g_strdup_printf ("redis+unix://%s@%s?%s", login, grel_test_redis_get_socket (redis),
                          query);
}

static void
a_user_logs_in_with_a_password (void)
{
  g_autofree char *set = grel_test_redis_ask (redis, "ACL", "SETUSER", "shop", "on", ">" PASSWORD,
                                              "~*", "&*", "+@all", NULL);
  g_autofree char *good = uri_with_login ("shop:" PASSWORD, "");
  g_autofree char *wrong = uri_with_login ("shop:x" PASSWORD, "");
  g_autofree char *nobody = uri_with_login ("nobody:" PASSWORD, "");

  expect_open (good);
  expect_refusal (wrong, "WRONGPASS");
  expect_refusal (nobody, "WRONGPASS");
}

static void
a_server_may_want_a_password_only (void)
{
  g_autofree char *set
    = grel_test_redis_ask (redis, "CONFIG", "SET", "requirepass", PASSWORD, NULL);
  g_autofree char *good = uri_with_login (":" PASSWORD, "");
  g_autofree char *wrong = uri_with_login (":x" PASSWORD, "");
  g_autofree char *none = grel_test_redis_get_uri (redis, NULL);
  g_autofree char *unset = NULL;

  expect_open (good);
  expect_refusal (wrong, "WRONGPASS");
  expect_refusal (none, "NOAUTH");
  unset = grel_test_redis_ask (redis, "--no-auth-warning", "-a", PASSWORD, "CONFIG", "SET",
                               "requirepass", "", NULL);
}

static void
the_uri_reads_back_without_its_password (void)
{
  g_autoptr (GrelProvider) provider
    = grel_provider_new_for_uri ("redis://shop:" PASSWORD "@host/1?prefix=x", NULL);
  g_autofree char *uri = grel_provider_dup_uri (provider);

  g_assert_cmpstr (uri, ==, "redis://***@host/1?***");
}

static void
a_database_and_a_name_may_be_chosen (void)
{
  g_autofree char *uri = grel_test_redis_get_uri (redis, "db=3&client_name=web-1");
  g_autofree char *too_high = grel_test_redis_get_uri (redis, "db=16");
  GrelApp *app = grel_test_redis_open_app (uri);
  g_autoptr (GrelLock) lock = grel_lock_new ("cart");
  g_autoptr (GrelLease) lease = NULL;
  g_autofree char *list = grel_test_redis_ask (redis, "CLIENT", "LIST", NULL);

  grel_lock_set_app (lock, app);
  lease = grel_test_lock_acquire (lock, 0, NULL);
  g_assert_nonnull (strstr (list, "name=web-1"));
  g_assert_cmpint (grel_test_redis_ask_number (redis, "-n", "3", "EXISTS", "lock:cart", NULL), ==,
                   1);
  g_assert_cmpint (grel_test_redis_ask_number (redis, "EXISTS", "lock:cart", NULL), ==, 0);
  grel_test_redis_close_app (app);
  expect_refusal (too_high, "ERR");
}

static void
a_check_asks_the_server (void)
{
  g_autofree char *uri = grel_test_redis_get_uri (redis, "timeout=1");
  g_autoptr (GrelApp) app = grel_app_new ();
  g_autoptr (GrelProvider) provider = grel_provider_new_for_uri (uri, NULL);
  g_autoptr (GError) error = NULL;
  g_auto (GrelTestResult) good = { NULL };
  g_auto (GrelTestResult) bad = { NULL };

  grel_app_use (app, G_OBJECT (provider), NULL, &error);
  grel_test_app_open (app, &error);
  g_assert_no_error (error);
  grel_provider_check_async (provider, NULL, grel_test_result_ready, &good);
  g_assert_true (grel_provider_check_finish (provider, grel_test_result_wait (&good), &error));
  g_assert_no_error (error);

  grel_test_redis_pause (redis);
  grel_provider_check_async (provider, NULL, grel_test_result_ready, &bad);
  g_assert_false (grel_provider_check_finish (provider, grel_test_result_wait (&bad), &error));
  grel_test_redis_resume (redis);
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "within 1 s");
  grel_test_app_close (app, NULL);
}

static void
tls_checks_the_certificate (void)
{
  g_autoptr (GrelTestRedis) server = grel_test_redis_new_with_tls ();
  g_autofree char *ca = grel_test_redis_get_file (server, "ca.crt");
  g_autofree char *other = grel_test_redis_get_file (server, "other.crt");
  guint port = grel_test_redis_get_port (server);
  g_autofree char *good = g_strdup_printf ("rediss://localhost:%u?ca_file=%s", port, ca);
  g_autofree char *system = g_strdup_printf ("rediss://localhost:%u", port);
  g_autofree char *wrong = g_strdup_printf ("valkeys://localhost:%u?ca_file=%s", port, other);
  g_autofree char *host = g_strdup_printf ("rediss://127.0.0.1:%u?ca_file=%s", port, ca);
  g_autofree char *none = g_strdup_printf ("rediss://localhost:%u?ca_file=%s.none", port, ca);
  g_autofree char *plain = g_strdup_printf ("redis://127.0.0.1:%u", port);

  expect_open (good);
  expect_refusal (system, "certificate");
  expect_refusal (wrong, "certificate");
  expect_refusal (host, "certificate");
  expect_refusal (none, "ca.crt.none");
  expect_refusal (plain, "");
}

static void
locks_work_over_tls (void)
{
  g_autoptr (GrelTestRedis) server = grel_test_redis_new_with_tls ();
  g_autofree char *ca = grel_test_redis_get_file (server, "ca.crt");
  g_autofree char *uri
    = g_strdup_printf ("rediss://localhost:%u?ca_file=%s", grel_test_redis_get_port (server), ca);
  GrelApp *app = grel_test_redis_open_app (uri);
  GrelTestResult results[1000] = { { NULL } };

  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    {
      g_autofree char *name = g_strdup_printf ("%0200u", i);
      g_autoptr (GrelLock) lock = grel_lock_new (name);

      grel_lock_set_app (lock, app);
      grel_lock_acquire_async (lock, -1, NULL, grel_test_result_ready, &results[i]);
    }
  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    {
      GAsyncResult *result = grel_test_result_wait (&results[i]);
      g_autoptr (GrelLock) lock = GREL_LOCK (g_async_result_get_source_object (result));
      g_autoptr (GrelLease) lease = grel_lock_acquire_finish (lock, result, NULL);

      g_assert_nonnull (lease);
      grel_test_result_clear (&results[i]);
    }
  grel_test_redis_close_app (app);
}

static void
where_nobody_listens_opening_fails (void)
{
  g_autofree char *path = grel_test_redis_get_file (redis, "nobody.sock");
  g_autofree char *uri = g_strconcat ("redis+unix://", path, NULL);

  expect_refusal (uri, "No such file");
  expect_refusal ("redis://127.0.0.1:1", "refused");
  expect_refusal ("redis://host.invalid", "host.invalid");
}

static void
who_never_answers_is_not_waited_for (void)
{
  static const char *const answers[] = { "", "+PO", "$100\r\nPONG\r\n", "*1\r\n" };

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      g_autoptr (GrelTestProxy) server = grel_test_proxy_new (NULL);
      g_autofree char *uri = grel_test_proxy_get_uri (server, "connect_timeout=0.2");
      g_autofree char *secure = g_strdup_printf ("rediss%s", uri + strlen ("redis"));

      grel_test_proxy_set_answer (server, answers[i], strlen (answers[i]));
      expect_refusal (uri, "no connection within 0.2 s");
      if (i == 0)
        expect_refusal (secure, "no connection within 0.2 s");
    }
}

static void
who_answers_nonsense_is_no_server (void)
{
  static const struct
  {
    const char *text;
    const char *word;
  } answers[] = {
    { "HTTP/1.1 400 Bad Request\r\n\r\n", "protocol" },
    { "\n", "protocol" },
    { "-ERR unknown command 'PING', with args: '" PASSWORD "'\r\n",
      "logging in: the server refused" },
    { "-LOADING Redis is loading the dataset in memory\r\n", "LOADING" },
    { "-DENIED Redis is running in protected mode\r\n", "DENIED" },
    { "*99999999999999\r\n", "protocol" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      g_autoptr (GrelTestProxy) server = grel_test_proxy_new (NULL);
      g_autofree char *uri = grel_test_proxy_get_uri (server, NULL);

      grel_test_proxy_set_answer (server, answers[i].text, strlen (answers[i].text));
      expect_refusal (uri, answers[i].word);
    }
}

/* It greets, and then it doesn't do what it should. */
static void
an_answer_that_makes_no_sense_is_an_error (void)
{
  static const struct
  {
    const char *text;
    const char *word;
  } answers[] = {
    { "+PONG\r\n", "no answer within 0.3 s" },
    { "+PONG\r\n:1", "no answer within 0.3 s" },
    { "+PONG\r\n$5\r\nhal", "no answer within 0.3 s" },
    { "+PONG\r\n*2\r\n:1\r\n", "no answer within 0.3 s" },
    { "+PONG\r\n+unasked\r\n", "" },
    { "+PONG\r\nnonsense", "" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      g_autoptr (GrelTestProxy) server = grel_test_proxy_new (NULL);
      g_autofree char *uri = grel_test_proxy_get_uri (server, "timeout=0.3");
      g_autoptr (GrelLock) lock = grel_lock_new ("cart");
      g_autoptr (GError) error = NULL;
      GrelApp *app;

      grel_test_proxy_set_answer (server, answers[i].text, strlen (answers[i].text));
      app = grel_test_redis_open_app (uri);
      grel_lock_set_app (lock, app);
      g_assert_null (grel_test_lock_acquire (lock, -1, &error));
      grel_test_assert_error (error, GREL_ERROR_BACKEND, "cart", answers[i].word);
      grel_test_redis_close_app (app);
    }
}

static void
open_backend_elsewhere (gpointer data, gpointer unused)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);
  g_autoptr (GError) error = NULL;

  g_assert_false (grel_test_backend_open (data, &error));
  grel_test_assert_error (error, GREL_ERROR_SETTINGS, "another main context");
}

static void
a_store_works_on_one_main_context (void)
{
  g_autofree char *uri = grel_test_redis_get_uri (redis, NULL);
  g_autoptr (GrelProvider) provider = grel_provider_new_for_uri (uri, NULL);
  g_autoptr (GrelBackend) backend
    = grel_provider_create_backend (provider, GREL_TYPE_LOCK_BACKEND, NULL);
  g_autoptr (GrelBackend) other
    = grel_provider_create_backend (provider, GREL_TYPE_LOCK_BACKEND, NULL);

  g_assert_true (grel_test_backend_open (backend, NULL));
  grel_test_in_thread (open_backend_elsewhere, other);
  g_assert_true (grel_test_backend_close (backend, NULL));
  g_assert_true (grel_test_backend_open (other, NULL));
  g_assert_true (grel_test_backend_close (other, NULL));
}

static gboolean
is_alone (gpointer n_connections)
{
  g_autofree char *info = grel_test_redis_ask (redis, "INFO", "clients", NULL);
  const char *line = "connected_clients:";

  return g_ascii_strtoll (strstr (info, line) + strlen (line), NULL, 10) == 1;
}

static void
opening_and_closing_leaves_nothing_behind (void)
{
  g_autofree char *uri = grel_test_redis_get_uri (redis, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GrelApp) app = grel_app_new_for_uri (uri, &error);

  for (int i = 0; i < 100; i++)
    {
      g_assert_true (grel_test_app_open (app, &error));
      g_assert_true (grel_test_app_close (app, &error));
    }
  grel_test_wait_for (is_alone, NULL);
}

/* The parent's connection is none of the child's, even if the child runs the parent's context. */
static void
a_child_of_fork_leaves_the_connection_alone (void)
{
  g_autofree char *uri = grel_test_redis_get_uri (redis, "timeout=0.3");
  GrelApp *app = grel_test_redis_open_app (uri);
  g_autoptr (GrelLock) lock = grel_lock_new ("forked");
  g_auto (GrelTestResult) result = { NULL };
  g_autoptr (GrelLease) lease = NULL;
  g_autoptr (GError) error = NULL;
  int status;
  pid_t pid;

  grel_lock_set_app (lock, app);
  grel_test_redis_pause (redis);
  grel_lock_acquire_async (lock, -1, NULL, grel_test_result_ready, &result);
  grel_test_settle ();
  pid = fork ();
  if (pid == 0)
    {
      gint64 end = g_get_monotonic_time () + G_TIME_SPAN_SECOND / 2;

      while (g_get_monotonic_time () < end && !result.is_done)
        g_main_context_iteration (NULL, FALSE);
      _exit (result.is_done);
    }

  grel_test_redis_resume (redis);
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 0);
  lease = grel_lock_acquire_finish (lock, grel_test_result_wait (&result), &error);
  g_assert_no_error (error);
  g_assert_true (grel_test_lease_release (lease, &error));
  grel_test_redis_close_app (app);
}

#define RULE(name) g_test_add_func ("/redis/connection/" #name, name)

int
main (int argc, char **argv)
{
  int status;

  g_setenv ("GREL_DEBUG", "all", TRUE);
  g_log_set_writer_func (check_log, NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  RULE (a_user_logs_in_with_a_password);
  RULE (a_server_may_want_a_password_only);
  RULE (the_uri_reads_back_without_its_password);
  RULE (a_database_and_a_name_may_be_chosen);
  RULE (a_check_asks_the_server);
  RULE (tls_checks_the_certificate);
  RULE (locks_work_over_tls);
  RULE (where_nobody_listens_opening_fails);
  RULE (who_never_answers_is_not_waited_for);
  RULE (who_answers_nonsense_is_no_server);
  RULE (an_answer_that_makes_no_sense_is_an_error);
  RULE (a_store_works_on_one_main_context);
  RULE (opening_and_closing_leaves_nothing_behind);
  RULE (a_child_of_fork_leaves_the_connection_alone);

  redis = grel_test_redis_new (NULL);
  status = g_test_run ();
  grel_test_redis_free (redis);
  return status;
}
