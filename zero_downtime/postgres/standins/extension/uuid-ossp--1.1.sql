\echo Use "CREATE EXTENSION "uuid-ossp"" to load this file. \quit

CREATE FUNCTION zd_standin_uuid_ossp() RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT 'stand-in of zero-downtime'::text $$;

-- SHA-1 (FIPS 180-4, section 6.1), which the server itself does not have. All operators on bits
-- are of one precedence in PostgreSQL, hence the parentheses.
CREATE FUNCTION zd_sha1_of_name(message bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $function$
DECLARE
  length int := octet_length(message);
  padded bytea := message || '\x80'::bytea
    || decode(repeat('00', (55 - length % 64 + 64) % 64), 'hex') || int8send(length::int8 * 8);
  word bigint[];
  a bigint; b bigint; c bigint; d bigint; e bigint; f bigint; k bigint; t bigint;
  h bigint[] := ARRAY[1732584193, 4023233417, 2562383102, 271733878, 3285377520];
  at int;
BEGIN
  FOR block IN 0 .. octet_length(padded) / 64 - 1 LOOP
    word := ARRAY[]::bigint[];
    FOR i IN 0 .. 79 LOOP
      IF i < 16 THEN
        at := block * 64 + i * 4;
        word[i] := (get_byte(padded, at)::bigint << 24) | (get_byte(padded, at + 1) << 16)
          | (get_byte(padded, at + 2) << 8) | get_byte(padded, at + 3);
      ELSE
        t := word[i - 3] # word[i - 8] # word[i - 14] # word[i - 16];
        word[i] := ((t << 1) | (t >> 31)) & 4294967295;
      END IF;
    END LOOP;
    a := h[1]; b := h[2]; c := h[3]; d := h[4]; e := h[5];
    FOR i IN 0 .. 79 LOOP
      IF i < 20 THEN
        f := (b & c) | ((~b) & 4294967295 & d); k := 1518500249;
      ELSIF i < 40 THEN
        f := b # c # d; k := 1859775393;
      ELSIF i < 60 THEN
        f := (b & c) | (b & d) | (c & d); k := 2400959708;
      ELSE
        f := b # c # d; k := 3395469782;
      END IF;
      t := (((a << 5) | (a >> 27)) & 4294967295) + f + e + k + word[i];
      e := d; d := c; c := ((b << 30) | (b >> 2)) & 4294967295; b := a; a := t & 4294967295;
    END LOOP;
    h := ARRAY[(h[1] + a) & 4294967295, (h[2] + b) & 4294967295, (h[3] + c) & 4294967295,
               (h[4] + d) & 4294967295, (h[5] + e) & 4294967295];
  END LOOP;
  RETURN decode(lpad(to_hex(h[1]), 8, '0') || lpad(to_hex(h[2]), 8, '0')
    || lpad(to_hex(h[3]), 8, '0') || lpad(to_hex(h[4]), 8, '0') || lpad(to_hex(h[5]), 8, '0'), 'hex');
END
$function$;

-- The constants of RFC 9562, sections 5.9 and 6.6.

CREATE FUNCTION uuid_nil() RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT '00000000-0000-0000-0000-000000000000'::uuid
$$;

CREATE FUNCTION uuid_ns_dns() RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT '6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid
$$;

CREATE FUNCTION uuid_ns_url() RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT '6ba7b811-9dad-11d1-80b4-00c04fd430c8'::uuid
$$;

CREATE FUNCTION uuid_ns_oid() RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT '6ba7b812-9dad-11d1-80b4-00c04fd430c8'::uuid
$$;

CREATE FUNCTION uuid_ns_x500() RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT '6ba7b814-9dad-11d1-80b4-00c04fd430c8'::uuid
$$;

-- Sixteen bytes with the bits of version and variant set.
CREATE FUNCTION zd_uuid(bytes bytea, version int) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT encode(
    set_byte(
      set_byte(substring(bytes FROM 1 FOR 16), 6, (get_byte(bytes, 6) & 15) | (version << 4)),
      8, (get_byte(bytes, 8) & 63) | 128),
    'hex')::uuid
$$;

-- The time in 100 ns since 15 October 1582, then random bits; the node is marked as no real one.
CREATE FUNCTION uuid_generate_v1mc() RETURNS uuid
LANGUAGE sql VOLATILE STRICT PARALLEL SAFE AS $$
  SELECT @extschema@.zd_uuid(
    substring(now.bytes FROM 5 FOR 4) || substring(now.bytes FROM 3 FOR 2)
      || substring(now.bytes FROM 1 FOR 2)
      || substring(random.bytes FROM 1 FOR 2)
      || set_byte(substring(random.bytes FROM 11 FOR 6), 0, get_byte(random.bytes, 10) | 1),
    1)
  FROM (SELECT int8send((extract(epoch FROM clock_timestamp()) * 10000000)::int8
                        + 122192928000000000) AS bytes) AS now,
       (SELECT uuid_send(pg_catalog.gen_random_uuid()) AS bytes) AS random
$$;

-- The real one shows the machine's network address; a stand-in has none to show.
CREATE FUNCTION uuid_generate_v1() RETURNS uuid
LANGUAGE sql VOLATILE STRICT PARALLEL SAFE AS $$ SELECT @extschema@.uuid_generate_v1mc() $$;

CREATE FUNCTION uuid_generate_v3(namespace uuid, name text) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT @extschema@.zd_uuid(
    decode(md5(uuid_send(namespace) || convert_to(name, getdatabaseencoding())), 'hex'), 3)
$$;

CREATE FUNCTION uuid_generate_v4() RETURNS uuid
LANGUAGE sql VOLATILE STRICT PARALLEL SAFE AS $$ SELECT pg_catalog.gen_random_uuid() $$;

CREATE FUNCTION uuid_generate_v5(namespace uuid, name text) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT @extschema@.zd_uuid(
    @extschema@.zd_sha1_of_name(uuid_send(namespace) || convert_to(name, getdatabaseencoding())), 5)
$$;
