-- People of a service that keeps bcrypt hashes and Fernet-encrypted base32 secrets, as lines for "twofold users import":
--   psql --no-align --tuples-only --file from-bcrypt-and-fernet.sql "$OLD_DATABASE_URL" > people.ndjson
-- Tables: users (id, username, email, password_hash, totp_secret, totp_enabled, is_active)
--         recovery_codes (user_id, code_hash, used), eight a person.
select json_strip_nulls(json_build_object(
  'username', u.username,
  'email', u.email,
  'password_hash', u.password_hash,
  -- A secret that was never confirmed is left behind: nobody may have it in an app.
  'totp', case when u.totp_enabled then json_build_array(json_build_object(
    'secret_fernet', u.totp_secret, 'algorithm', 'SHA1', 'digits', 6, 'period', 30)) end,
  'recovery_codes', case when u.totp_enabled then json_build_object(
    'pattern', '????????',
    'hashes', coalesce(
      (select json_agg(c.code_hash) from recovery_codes c where c.user_id = u.id and not c.used), '[]'::json)) end
))
from users u
where u.is_active
order by u.id;
