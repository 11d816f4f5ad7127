/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-redis.h"
#include "grel-test-process.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

struct _GrelTestRedis
{
  char *folder;
  char *socket;
  guint port;
  char **arguments;
  char *config; /* of a sentinel; NULL: it is a server */
  GSubprocess *server;
};

static const char *const grel_test_redis_none[] = { NULL };

static char *
grel_test_redis_run (const char *const *argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process
    = g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE,
                         &error);
  char *output = NULL;

  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (process, NULL, NULL, &output, NULL, &error);
  g_assert_no_error (error);
  if (!g_subprocess_get_successful (process))
    g_error ("%s: %s", argv[0], output);
  return g_strchomp (output);
}

static gboolean
grel_test_redis_is_ready (gpointer data)
{
  GrelTestRedis *self = data;
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (self->socket);
  g_autoptr (GSocketConnection) connection
    = g_socket_client_connect (client, G_SOCKET_CONNECTABLE (address), NULL, NULL);
  GInputStream *input;
  char answer[7] = "";

  if (connection == NULL)
    {
      g_usleep (1000);
      return FALSE;
    }

  input = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)), "PING\r\n",
                             6, NULL, NULL, NULL);
  return g_input_stream_read_all (input, answer, 5, NULL, NULL, NULL)
         && (g_str_equal (answer, "+PONG") || g_str_equal (answer, "-NOAU"));
}

void
grel_test_redis_launch (GrelTestRedis *self)
{
  g_autoptr (GSubprocessLauncher) launcher
    = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE);
  g_autoptr (GStrvBuilder) argv = g_strv_builder_new ();
  g_auto (GStrv) words = NULL;
  g_autoptr (GError) error = NULL;

  if (self->config != NULL)
    g_strv_builder_add_many (argv, "redis-sentinel", self->config, NULL);
  else
    g_strv_builder_add_many (argv, "redis-server", "--port", "0", "--unixsocket", self->socket,
                             "--dir", self->folder, "--save", "", "--appendonly", "yes",
                             "--appendfsync", "no", NULL);
  g_strv_builder_addv (argv, (const char **) self->arguments);
  words = g_strv_builder_end (argv);
  g_unlink (self->socket);
  grel_test_process_let_die (launcher);
  self->server = g_subprocess_launcher_spawnv (launcher, (const char *const *) words, &error);
  g_assert_no_error (error);
}

void
grel_test_redis_start (GrelTestRedis *self)
{
  grel_test_redis_launch (self);
  grel_test_wait_for (grel_test_redis_is_ready, self);
}

guint
grel_test_redis_find_port (void)
{
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();
  guint port;

  do
    port = g_random_int_range (10000, 32000); /* where no connection starts from by itself */
  while (!g_socket_listener_add_inet_port (listener, port, NULL, NULL));
  g_socket_listener_close (listener);
  return port;
}

static GrelTestRedis *
grel_test_redis_prepare (void)
{
  GrelTestRedis *self = g_new0 (GrelTestRedis, 1);
  g_autoptr (GError) error = NULL;

  self->folder = g_dir_make_tmp ("grel-redis-XXXXXX", &error);
  g_assert_no_error (error);
  self->socket = grel_test_redis_get_file (self, "redis.sock");
  return self;
}

GrelTestRedis *
grel_test_redis_new (const char *const *arguments)
{
  GrelTestRedis *self = grel_test_redis_prepare ();

  self->arguments = g_strdupv ((char **) (arguments != NULL ? arguments : grel_test_redis_none));
  grel_test_redis_start (self);
  return self;
}

GrelTestRedis *
grel_test_redis_new_on_port (const char *const *arguments)
{
  GrelTestRedis *self = grel_test_redis_prepare ();
  g_autoptr (GStrvBuilder) words = g_strv_builder_new ();
  g_autofree char *port = NULL;

  self->port = grel_test_redis_find_port ();
  port = g_strdup_printf ("%u", self->port);
  g_strv_builder_add_many (words, "--bind", "127.0.0.1", "--port", port, NULL);
  g_strv_builder_addv (words,
                       (const char **) (arguments != NULL ? arguments : grel_test_redis_none));
  self->arguments = g_strv_builder_end (words);
  grel_test_redis_start (self);
  return self;
}

GrelTestRedis *
grel_test_redis_new_sentinel (const char *config)
{
  GrelTestRedis *self = grel_test_redis_prepare ();
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  self->port = grel_test_redis_find_port ();
  self->config = grel_test_redis_get_file (self, "sentinel.conf");
  self->arguments = g_new0 (char *, 1);
  text = g_strdup_printf ("bind 127.0.0.1\nport %u\nunixsocket %s\ndir %s\n%s\n", self->port,
                          self->socket, self->folder, config);
  g_file_set_contents (self->config, text, -1, &error);
  g_assert_no_error (error);
  grel_test_redis_start (self);
  return self;
}

/* One certificate, which signs itself, for localhost. */
static void
grel_test_redis_make_certificate (GrelTestRedis *self, const char *name)
{
  g_autofree char *file = g_strconcat (name, ".crt", NULL);
  g_autofree char *certificate = grel_test_redis_get_file (self, file);
  g_autofree char *key_file = g_strconcat (name, ".key", NULL);
  g_autofree char *key = grel_test_redis_get_file (self, key_file);
  g_autofree char *output = grel_test_redis_run ((const char *[]){
    "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-out", certificate,
    "-keyout", key, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", NULL });
}

char **
grel_test_redis_dup_tls_arguments (GrelTestRedis *self)
{
  g_autofree char *certificate = grel_test_redis_get_file (self, "ca.crt");
  g_autofree char *key = grel_test_redis_get_file (self, "ca.key");

  return g_strdupv ((char **) (const char *[]){ "--tls-cert-file", certificate, "--tls-key-file",
                                                key, "--tls-ca-cert-file", certificate,
                                                "--tls-auth-clients", "no", NULL });
}

GrelTestRedis *
grel_test_redis_new_with_tls (void)
{
  GrelTestRedis *self = grel_test_redis_prepare ();
  g_autofree char *port = NULL;
  g_autoptr (GStrvBuilder) arguments = g_strv_builder_new ();
  g_auto (GStrv) tls = grel_test_redis_dup_tls_arguments (self);

  grel_test_redis_make_certificate (self, "ca");
  grel_test_redis_make_certificate (self, "other");
  self->port = grel_test_redis_find_port ();
  port = g_strdup_printf ("%u", self->port);
  g_strv_builder_add_many (arguments, "--bind", "127.0.0.1", "--tls-port", port, NULL);
  g_strv_builder_addv (arguments, (const char **) tls);
  self->arguments = g_strv_builder_end (arguments);
  grel_test_redis_start (self);
  return self;
}

void
grel_test_redis_kill (GrelTestRedis *self)
{
  g_subprocess_send_signal (self->server, SIGKILL);
  g_subprocess_wait (self->server, NULL, NULL);
  g_clear_object (&self->server);
}

void
grel_test_redis_pause (GrelTestRedis *self)
{
  g_subprocess_send_signal (self->server, SIGSTOP);
  grel_test_process_wait_until_stopped (self->server);
}

gboolean
grel_test_redis_is_running (GrelTestRedis *self)
{
  return self->server != NULL && !grel_test_process_is_stopped (self->server);
}

void
grel_test_redis_resume (GrelTestRedis *self)
{
  g_subprocess_send_signal (self->server, SIGCONT);
}

void
grel_test_redis_free (GrelTestRedis *self)
{
  g_autofree char *output = NULL;

  if (self->server != NULL)
    grel_test_redis_kill (self);
  output = grel_test_redis_run ((const char *[]){ "rm", "-r", self->folder, NULL });
  g_strfreev (self->arguments);
  g_free (self->config);
  g_free (self->socket);
  g_free (self->folder);
  g_free (self);
}

const char *
grel_test_redis_get_socket (GrelTestRedis *self)
{
  return self->socket;
}

guint
grel_test_redis_get_port (GrelTestRedis *self)
{
  return self->port;
}

char *
grel_test_redis_get_file (GrelTestRedis *self, const char *name)
{
  return g_build_filename (self->folder, name, NULL);
}

char *
grel_test_redis_get_uri (GrelTestRedis *self, const char *query)
{
  return g_strdup_printf ("redis+unix://%s%s%s", self->socket, query != NULL ? "?" : "",
                          query != NULL ? query : "");
}

static char *
grel_test_redis_ask_valist (GrelTestRedis *self, va_list words)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  const char *word;

  g_ptr_array_add (argv, (char *) "redis-cli");
  g_ptr_array_add (argv, (char *) "-s");
  g_ptr_array_add (argv, self->socket);
  while ((word = va_arg (words, const char *)) != NULL)
    g_ptr_array_add (argv, (char *) word);
  g_ptr_array_add (argv, NULL);
  return grel_test_redis_run ((const char *const *) argv->pdata);
}

char *
grel_test_redis_ask (GrelTestRedis *self, ...)
{
  va_list words;
  char *answer;

  va_start (words, self);
  answer = grel_test_redis_ask_valist (self, words);
  va_end (words);
  return answer;
}

void
grel_test_redis_tell (GrelTestRedis *self, const char *commands)
{
  g_auto (GStrv) lines = g_strsplit (commands, "; ", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_autofree char *line = g_strdup_printf ("redis-cli -s %s %s", self->socket, lines[i]);
      g_auto (GStrv) argv = g_strsplit (line, " ", -1);

      g_free (grel_test_redis_run ((const char *const *) argv));
    }
}

gint64
grel_test_redis_ask_number (GrelTestRedis *self, ...)
{
  g_autofree char *answer = NULL;
  va_list words;

  va_start (words, self);
  answer = grel_test_redis_ask_valist (self, words);
  va_end (words);
  return g_ascii_strtoll (answer, NULL, 10);
}

gint64
grel_test_redis_count_calls (GrelTestRedis *self, const char *command)
{
  g_autofree char *stats = grel_test_redis_ask (self, "INFO", "commandstats", NULL);
  g_autofree char *line = g_strdup_printf ("cmdstat_%s:calls=", command);
  const char *found = strstr (stats, line);

  return found != NULL ? g_ascii_strtoll (found + strlen (line), NULL, 10) : 0;
}

GrelApp *
grel_test_redis_open_app (const char *uri)
{
  g_autoptr (GError) error = NULL;
  GrelApp *app = grel_app_new_for_uri (uri, &error);

  g_assert_no_error (error);
  grel_test_app_open (app, &error);
  g_assert_no_error (error);
  return app;
}

void
grel_test_redis_close_app (GrelApp *app)
{
  g_autoptr (GError) error = NULL;

  grel_test_app_close (app, &error);
  g_assert_no_error (error);
  g_object_unref (app);
}
