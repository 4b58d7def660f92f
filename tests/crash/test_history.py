#!/usr/bin/env python3
"""The checker of histories says so when one is wrong, and only then. Rows 9, 75-77."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

from history import NEVER, OK, REFUSED, UNKNOWN, Op, check_counter, check_register, check_sum


def op(begin, end, outcome=OK, *, writes=None, reads=None, adds=None):
    """On the key k, or with all of its keys given."""
    def named(value):
        return value if isinstance(value, dict) or value is None else {"k": value}

    made = Op(f"op{begin}", begin, writes=named(writes), adds=named(adds))
    return made.finish(end, outcome, named(reads))


class Register(unittest.TestCase):
    def wrongs(self, *ops):
        return list(check_register("k", ops, "old"))

    def test_what_is_acknowledged_is_seen(self):
        self.assertEqual(self.wrongs(op(1, 2, writes="a"), op(3, 4, reads="a"), op(5, 6, writes="b"),
                                     op(7, 8, reads="b")), [])

    def test_while_a_write_is_under_way_either_value_may_be_seen(self):
        for value in ("old", "a"):
            self.assertEqual(self.wrongs(op(1, 9, writes="a"), op(2, 3, reads=value), op(10, 11, reads="a")), [])

    def test_but_not_the_old_one_after_the_new(self):
        self.assertTrue(self.wrongs(op(1, 9, writes="a"), op(2, 3, reads="a"), op(4, 5, reads="old")))

    def test_a_lost_write(self):
        self.assertTrue(self.wrongs(op(1, 2, writes="a"), op(3, 4, reads="old")))
        self.assertTrue(self.wrongs(op(1, 2, writes="a"), op(3, 4, writes="b"), op(5, 6, reads="a")))

    def test_a_lost_write_that_had_been_seen(self):
        self.assertTrue(self.wrongs(op(1, 2, UNKNOWN, writes="a"), op(3, 4, reads="a"), op(5, 6, reads="old")))

    def test_an_unknown_write_may_be_there_or_not(self):
        for value in ("old", "a"):
            self.assertEqual(self.wrongs(op(1, 2, UNKNOWN, writes="a"), op(3, 4, reads=value)), [])
            self.assertEqual(self.wrongs(op(1, NEVER, UNKNOWN, writes="a"), op(3, 4, reads=value)), [])

    def test_an_unknown_write_that_takes_effect_after_it_was_settled(self):
        self.assertTrue(self.wrongs(op(1, 2, UNKNOWN, writes="a"), op(3, 4, writes="b"), op(5, 6, reads="b"),
                                    op(7, 8, reads="a")))

    def test_a_resurrected_value(self):
        self.assertTrue(self.wrongs(op(1, 2, writes="a"), op(3, 4, reads="a"), op(5, 6, writes="b"),
                                    op(7, 8, reads="b"), op(9, 10, reads="a")))
        self.assertTrue(self.wrongs(op(1, 2, reads="from a round before")))

    def test_a_refused_write(self):
        self.assertIn("refused", self.wrongs(op(1, 2, REFUSED, writes="a"), op(3, 4, reads="a"))[0])

    def test_half_a_value(self):
        self.assertIn("never written", self.wrongs(op(1, 2, writes="a"), op(3, 4, reads="half of a"))[0])

    def test_a_value_seen_before_it_was_written(self):
        self.assertTrue(self.wrongs(op(1, 2, reads="a"), op(3, 4, writes="a")))

    def test_writes_of_one_writer_out_of_order(self):
        self.assertTrue(self.wrongs(op(1, 2, writes="a"), op(3, 4, writes="b"), op(1, 9, reads="b"),
                                    op(10, 11, reads="a")))

    def test_two_that_replaced_the_same_value(self):
        self.assertEqual(self.wrongs(op(1, 9, reads="old", writes="a"), op(2, 8, reads="a", writes="b")), [])
        self.assertTrue(self.wrongs(op(1, 9, reads="old", writes="a"), op(2, 8, reads="old", writes="b")))


class Counter(unittest.TestCase):
    def wrongs(self, *ops):
        return list(check_counter("k", ops, 10))

    def test_what_is_acknowledged_is_counted(self):
        self.assertEqual(self.wrongs(op(1, 2, adds=1, reads=11), op(3, 4, adds=1, reads=12), op(5, 6, reads=12)), [])

    def test_what_is_unknown_may_be(self):
        for value in (10, 11):
            self.assertEqual(self.wrongs(op(1, 2, UNKNOWN, adds=1), op(3, 4, reads=value)), [])

    def test_a_lost_one(self):
        self.assertTrue(self.wrongs(op(1, 2, adds=1, reads=11), op(3, 4, reads=10)))
        self.assertTrue(self.wrongs(op(1, 4, adds=1, reads=11), op(2, 3, adds=1, reads=11)))

    def test_one_that_was_refused_or_made_twice(self):
        self.assertTrue(self.wrongs(op(1, 2, REFUSED, adds=1), op(3, 4, reads=11)))
        self.assertTrue(self.wrongs(op(1, 2, UNKNOWN, adds=1), op(3, 4, reads=12)))

    def test_amounts_that_go_away(self):
        self.assertEqual(self.wrongs(op(1, 2, UNKNOWN, adds=-5), op(3, 4, adds=7), op(5, 6, reads=12)), [])
        self.assertTrue(self.wrongs(op(1, 2, adds=-5), op(3, 4, adds=7), op(5, 6, reads=17)))


class Sum(unittest.TestCase):
    def wrongs(self, *ops):
        return list(check_sum(["k", "l"], ops, 0))

    def test_an_amount_that_moved(self):
        self.assertEqual(self.wrongs(op(1, 2, adds={"k": -5, "l": 5}), op(3, 4, reads={"k": -5, "l": 5})), [])

    def test_half_a_transaction(self):
        self.assertTrue(self.wrongs(op(1, 2, UNKNOWN, adds={"k": -5, "l": 5}), op(3, 4, reads={"k": -5, "l": 0})))


if __name__ == "__main__":
    unittest.main()
