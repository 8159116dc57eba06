"""The students that `ksmp dev` shows besides those who sign in: `demo-student-01` and so on, with names."""

from __future__ import annotations

from typing import Final

from gateway.contract import Database

NAMES: Final = (
    "Aarav Sharma, Aditi Rao, Ananya Iyer, Arjun Nair, Bhavna Joshi, Charan Reddy, Deepika Menon, Divya Pillai, "
    "Farhan Khan, Gauri Kulkarni, Harsh Gupta, Isha Banerjee, Jaspreet Kaur, Kabir Das, Kavya Hegde, Lakshmi Raman, "
    "Manish Yadav, Nandini Ghosh, Nikhil Patil, Pooja Verma, Rahul Mishra, Rohan Desai, Sneha Chauhan, Tanvi Shah, "
    "Uday Bhat, Vikram Singh, Zoya Ansari"
)
# One who signs in under such an id keeps their own name.
CREATE: Final = """
    INSERT INTO account_user (id, name, role)
    SELECT 'demo-student-' || lpad(number::text, 2, '0'), name, 'student'
    FROM unnest($1::text[]) WITH ORDINALITY AS demo (name, number) ON CONFLICT (id) DO NOTHING
"""


async def seed(database: Database) -> None:
    """Create them; done again it changes nothing."""
    await database.fetch(CREATE, NAMES.split(", "))
