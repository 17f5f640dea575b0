#!/usr/bin/env python3
"""examples/signer_pool.c: handshakes whose signatures other threads make."""
import os
import threading
import unittest

import harness
from harness import WAIT, run, background, Case

PROGRAM = os.path.join(os.path.dirname(harness.TERN), "examples", "signer_pool")


class SignerPool(Case):
    def setUp(self):
        if not os.path.exists(PROGRAM):
            self.skipTest("the examples are not built")

    def test_many_clients_at_once(self):
        for dtls in ("1.2", "1.3"):
            with self.subTest(dtls), background("127.0.0.1:0", self.cert, self.key, program=PROGRAM) as server:
                self.talk_to(server.port(), dtls)

    def talk_to(self, port, dtls):
        results = {}

        def talk(i):
            results[i] = self.client(port, "--dtls", dtls, stdin=b"%d\n" % i, linger="1000")

        threads = [threading.Thread(target=talk, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT)
        for i in range(8):
            self.assertStatus(results[i], 0)
            self.assertEqual(results[i].stdout, b"%d\n" % i)

    def test_other_keys_are_refused(self):
        cert, key = self.path("rsa.pem"), self.path("rsa.key")
        made = run("cert", "self-signed", "--name", "a", "--key-type", "rsa", "--cert", cert, "--key", key)
        self.assertStatus(made, 0)
        with background("127.0.0.1:0", cert, key, program=PROGRAM) as refused:
            self.assertEqual(refused.finish(), 1)
        self.assertIn(b"holds no ECDSA key", bytes(refused.err))


if __name__ == "__main__":
    unittest.main()
