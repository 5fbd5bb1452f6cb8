"""The only user of the database: profiles, opening, migrations, transactions; and a twin in memory."""
