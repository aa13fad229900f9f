-- People of a service that keeps Argon2id hashes and raw secrets, as lines for "twofold users import":
--   psql --no-align --tuples-only --file from-argon2id.sql "$OLD_DATABASE_URL" > people.ndjson
-- Table: users (id, username, email, password_hash, totp_secret bytea, totp_enabled, recovery_code_hashes json),
--        ten codes a person, a used one cut out of the list.
select json_strip_nulls(json_build_object(
  'username', u.username,
  'email', u.email,
  'password_hash', u.password_hash,
  -- A secret that was never confirmed is left behind: nobody may have it in an app.
  'totp', case when u.totp_enabled then json_build_array(json_build_object(
    'secret_base64', translate(encode(u.totp_secret, 'base64'), E'\n', ''),
    'algorithm', 'SHA1', 'digits', 6, 'period', 30)) end,
  -- The hash is of the text with its dash; people may type it without.
  'recovery_codes', case when u.totp_enabled then json_build_object(
    'pattern', '????-????',
    'hashes', coalesce(u.recovery_code_hashes::json, '[]'::json)) end
))
from users u
order by u.id;
