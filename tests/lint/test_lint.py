# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""Every rule of the lints finds a violation that was planted for it."""

import importlib.util
import pathlib
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent


def load(script):
    spec = importlib.util.spec_from_file_location(script.replace("-", "_"), HERE / f"{script}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


layers = load("check-layers")
snippets = load("check-snippets")
spdx = load("check-spdx")


class Includes(unittest.TestCase):
    def allowed(self, source, header):
        self.assertIsNone(layers.check_include(f"grelmicro/{source}", header))

    def refused(self, source, header, reason):
        self.assertIn(reason, layers.check_include(f"grelmicro/{source}", header) or "allowed")

    def test_down_is_allowed(self):
        self.allowed("core/grel-a.c", "grelmicro/core/grel-b-private.h")
        self.allowed("coordination/grel-a.c", "grelmicro/core/grel-b-private.h")
        self.allowed("coordination/grel-a.c", "grelmicro/coordination/grel-b-private.h")
        self.allowed("cache/grel-a.c", "grelmicro/coordination/grel-lock.h")
        self.allowed("memory/grel-a.c", "grelmicro/coordination/grel-lock-backend.h")

    def test_up_is_refused(self):
        self.refused("core/grel-a.c", "grelmicro/coordination/grel-lock.h", "down only")
        self.refused("core/grel-a.c", "grelmicro/memory/grel-a.h", "down only")
        self.refused("cache/grel-a.c", "grelmicro/memory/grel-a.h", "down only")

    def test_siblings_stay_apart(self):
        self.refused("coordination/grel-a.c", "grelmicro/cache/grel-b.h", "apart")
        self.refused("resilience/grel-a.c", "grelmicro/coordination/grel-b.h", "apart")
        self.refused("redis/grel-a.c", "grelmicro/memory/grel-b.h", "apart")

    def test_adapters_see_backends_only(self):
        self.refused("memory/grel-a.c", "grelmicro/coordination/grel-lock.h", "adapter")

    def test_private_headers(self):
        private = "grelmicro/coordination/grel-b-private.h"
        self.refused("cache/grel-a.c", private, "stays inside")
        self.refused("memory/grel-a.c", private, "stays inside")
        self.refused("coordination/grel-a.h", private, "public header")
        self.refused("core/grel-a.h", "grelmicro/core/grel-b-private.h", "public header")
        self.allowed("coordination/grel-a-private.h", private)

    def test_umbrella(self):
        self.refused("core/grel-a.c", "grelmicro/grelmicro.h", "users")
        self.allowed("grelmicro.h", "grelmicro/memory/grel-a.h")
        self.refused("grelmicro.h", "grelmicro/core/grel-a-private.h", "public header")

    def test_only_one_file_knows_all(self):
        self.allowed("grel-builtin.c", "grelmicro/memory/grel-memory-provider-private.h")
        self.refused("grel-other.c", "grelmicro/memory/grel-a.h", "without a layer")

    def test_short_paths(self):
        self.refused("core/grel-a.c", "grel-b.h", "starts with")

    def test_vendors(self):
        self.allowed("core/grel-a.c", "gio/gio.h")
        self.allowed("core/grel-a.c", "pthread.h")
        self.allowed("redis/grel-redis-connection.c", "hiredis/async.h")
        self.refused("redis/grel-redis-lock-adapter.c", "hiredis/async.h", "vendor")
        self.refused("core/grel-a-connection.c", "libpq-fe.h", "vendor")


class Trees(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def write(self, path, text):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def test_include_is_found_in_a_tree(self):
        self.write("grelmicro/core/grel-a.c", "\n# include <grelmicro/cache/grel-b.h>\n")
        (finding,) = layers.check_tree(self.root)
        self.assertTrue(finding.startswith("grelmicro/core/grel-a.c:2: grelmicro/cache/grel-b.h"))

    def test_long_function(self):
        self.write("grelmicro/core/grel-a.c", "void\nf (void)\n{\n" + "  g ();\n" * 58 + "}\n")
        self.assertEqual(list(layers.check_tree(self.root)), [])
        self.write("grelmicro/core/grel-a.c", "void\nf (void)\n{\n" + "  g ();\n" * 59 + "}\n")
        (finding,) = layers.check_tree(self.root)
        self.assertIn("a function of 61 lines", finding)

    def test_long_files(self):
        self.write("grelmicro/core/grel-a.c", "\n" * 601)
        self.write("grelmicro/memory/grel-a-adapter.c", "\n" * 251)
        self.assertEqual(len(list(layers.check_tree(self.root))), 2)

    def test_licence(self):
        self.write("a.c", "/* SPDX-License-Identifier: MIT\n */\n")
        self.write("b.py", "".join(f"# {tag}\n" for tag in spdx.TAGS))
        self.write("run", "#!/bin/sh\n")
        self.write("README.md", "text\n")
        findings = list(spdx.check_tree(self.root))
        self.assertEqual([finding.split(":")[0] for finding in findings], ["a.c", "run", "run"])

    def test_snippets(self):
        self.write("a.md", "```python\nawait f()\n```\n\n```python\nawait f(\n```\n")
        (finding,) = snippets.check(self.root / "a.md", [])
        self.assertTrue(finding.startswith("a.md:6: "))

    def test_programs_that_are_shown(self):
        for name in snippets.PROGRAMS:
            self.write(f"examples/{name}", f"// SPDX-License-Identifier: MIT\n\n{name} ();\n")
        shown = snippets.PROGRAMS[1:]
        self.write("README.md", "".join(f"```js\n{name} ();\n```\n" for name in shown))
        (finding,) = snippets.find_missing_programs(self.root)
        self.assertIn(snippets.PROGRAMS[0], finding)


class Snippets(unittest.TestCase):
    def test_names_of_the_program_are_assumed(self):
        self.assertTrue(snippets.ASSUMED.match("‘charge’ undeclared (first use in this function)"))
        self.assertTrue(snippets.ASSUMED.match("implicit declaration of function ‘work’ [-W…]"))

    def test_names_of_the_library_are_not(self):
        self.assertFalse(snippets.ASSUMED.match("‘GREL_NONE’ undeclared (first use here)"))
        self.assertFalse(
            snippets.ASSUMED.match("implicit declaration of function ‘grel_lock_take’; did …")
        )


if __name__ == "__main__":
    unittest.main()
