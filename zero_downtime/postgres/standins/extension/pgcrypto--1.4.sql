\echo Use "CREATE EXTENSION pgcrypto" to load this file. \quit

-- What plain SQL can do is done exactly; everything else raises an error that says so.

CREATE FUNCTION zd_standin_pgcrypto() RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT 'stand-in of zero-downtime'::text $$;

CREATE FUNCTION zd_only_the_real_one(name text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
  RAISE feature_not_supported USING
    MESSAGE = format('%s() needs the real extension pgcrypto, this server has a stand-in', name),
    HINT = 'Use a server that has it: --server BIN_DIR or --server URL.';
END
$$;

-- SHA-1 (FIPS 180-4, section 6.1), which the server itself does not have. All operators on bits
-- are of one precedence in PostgreSQL, hence the parentheses.
CREATE FUNCTION zd_sha1(message bytea) RETURNS bytea
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

CREATE FUNCTION digest(data bytea, type text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  RETURN CASE lower(type)
    WHEN 'md5' THEN decode(md5(data), 'hex')
    WHEN 'sha1' THEN @extschema@.zd_sha1(data)
    WHEN 'sha224' THEN sha224(data)
    WHEN 'sha256' THEN sha256(data)
    WHEN 'sha384' THEN sha384(data)
    WHEN 'sha512' THEN sha512(data)
    ELSE @extschema@.zd_only_the_real_one(format('digest with %s', type))::bytea
  END;
END
$$;

CREATE FUNCTION digest(data text, type text) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT @extschema@.digest(convert_to(data, getdatabaseencoding()), type)
$$;

-- RFC 2104.
CREATE FUNCTION hmac(data bytea, key bytea, type text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  size int := CASE WHEN lower(type) IN ('sha384', 'sha512') THEN 128 ELSE 64 END;
  block bytea := CASE WHEN octet_length(key) > size THEN @extschema@.digest(key, type) ELSE key END;
  inner_pad bytea;
  outer_pad bytea;
BEGIN
  block := block || decode(repeat('00', size - octet_length(block)), 'hex');
  inner_pad := block;
  outer_pad := block;
  FOR i IN 0 .. size - 1 LOOP
    inner_pad := set_byte(inner_pad, i, get_byte(block, i) # 54);
    outer_pad := set_byte(outer_pad, i, get_byte(block, i) # 92);
  END LOOP;
  RETURN @extschema@.digest(outer_pad || @extschema@.digest(inner_pad || data, type), type);
END
$$;

CREATE FUNCTION hmac(data text, key text, type text) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT @extschema@.hmac(convert_to(data, getdatabaseencoding()),
                          convert_to(key, getdatabaseencoding()), type)
$$;

CREATE FUNCTION gen_random_uuid() RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE AS $$ SELECT pg_catalog.gen_random_uuid() $$;

-- Each piece of 32 bytes is the hash of 244 random bits.
CREATE FUNCTION gen_random_bytes(count int) RETURNS bytea
LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE AS $$
DECLARE
  bytes bytea := ''::bytea;
BEGIN
  IF count < 1 OR count > 1024 THEN
    RAISE external_routine_invocation_exception USING MESSAGE = 'Length not in range';
  END IF;
  WHILE octet_length(bytes) < count LOOP
    bytes := bytes || sha256(uuid_send(pg_catalog.gen_random_uuid())
                             || uuid_send(pg_catalog.gen_random_uuid()));
  END LOOP;
  RETURN substring(bytes FROM 1 FOR count);
END
$$;

CREATE FUNCTION fips_mode() RETURNS bool
LANGUAGE sql VOLATILE STRICT PARALLEL SAFE AS $$ SELECT false $$;

-- Ciphers and password hashes: no plain SQL, and nothing that only looks like them.

CREATE FUNCTION crypt(text, text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN RETURN @extschema@.zd_only_the_real_one('crypt'); END
$$;

CREATE FUNCTION gen_salt(text) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE AS $$
BEGIN RETURN @extschema@.zd_only_the_real_one('gen_salt'); END
$$;

CREATE FUNCTION gen_salt(text, int) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE AS $$
BEGIN RETURN @extschema@.zd_only_the_real_one('gen_salt'); END
$$;

CREATE FUNCTION encrypt(bytea, bytea, text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN RETURN @extschema@.zd_only_the_real_one('encrypt')::bytea; END
$$;

CREATE FUNCTION encrypt_iv(bytea, bytea, bytea, text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN RETURN @extschema@.zd_only_the_real_one('encrypt_iv')::bytea; END
$$;

CREATE FUNCTION decrypt(bytea, bytea, text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN RETURN @extschema@.zd_only_the_real_one('decrypt')::bytea; END
$$;

CREATE FUNCTION decrypt_iv(bytea, bytea, bytea, text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN RETURN @extschema@.zd_only_the_real_one('decrypt_iv')::bytea; END
$$;

CREATE FUNCTION pgp_sym_encrypt(text, text) RETURNS bytea
LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE AS $$
BEGIN RETURN @extschema@.zd_only_the_real_one('pgp_sym_encrypt')::bytea; END
$$;

CREATE FUNCTION pgp_sym_encrypt(text, text, text) RETURNS bytea
LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE AS $$
BEGIN RETURN @extschema@.zd_only_the_real_one('pgp_sym_encrypt')::bytea; END
$$;

CREATE FUNCTION pgp_sym_encrypt_bytea(bytea, text) RETURNS bytea
LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE AS $$
BEGIN RETURN @extschema@.zd_only_the_real_one('pgp_sym_encrypt_bytea')::bytea; END
$$;

CREATE FUNCTION pgp_sym_encrypt_bytea(bytea, text, text) RETURNS bytea
LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE AS $$
BEGIN RETURN @extschema@.zd_only_the_real_one('pgp_sym_encrypt_bytea')::bytea; END
$$;

CREATE FUNCTION pgp_sym_decrypt(bytea, text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN RETURN @extschema@.zd_only_the_real_one('pgp_sym_decrypt'); END
$$;

CREATE FUNCTION pgp_sym_decrypt(bytea, text, text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN RETURN @extschema@.zd_only_the_real_one('pgp_sym_decrypt'); END
$$;

CREATE FUNCTION pgp_sym_decrypt_bytea(bytea, text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN RETURN @extschema@.zd_only_the_real_one('pgp_sym_decrypt_bytea')::bytea; END
$$;

CREATE FUNCTION pgp_sym_decrypt_bytea(bytea, text, text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN RETURN @extschema@.zd_only_the_real_one('pgp_sym_decrypt_bytea')::bytea; END
$$;

CREATE FUNCTION pgp_pub_encrypt(text, bytea) RETURNS bytea
LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE AS $$
BEGIN RETURN @extschema@.zd_only_the_real_one('pgp_pub_encrypt')::bytea; END
$$;

CREATE FUNCTION pgp_pub_encrypt(text, bytea, text) RETURNS bytea
LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE AS $$
BEGIN RETURN @extschema@.zd_only_the_real_one('pgp_pub_encrypt')::bytea; END
$$;

CREATE FUNCTION pgp_pub_encrypt_bytea(bytea, bytea) RETURNS bytea
LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE AS $$
BEGIN RETURN @extschema@.zd_only_the_real_one('pgp_pub_encrypt_bytea')::bytea; END
$$;

CREATE FUNCTION pgp_pub_encrypt_bytea(bytea, bytea, text) RETURNS bytea
LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE AS $$
BEGIN RETURN @extschema@.zd_only_the_real_one('pgp_pub_encrypt_bytea')::bytea; END
$$;

CREATE FUNCTION pgp_pub_decrypt(bytea, bytea) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN RETURN @extschema@.zd_only_the_real_one('pgp_pub_decrypt'); END
$$;

CREATE FUNCTION pgp_pub_decrypt(bytea, bytea, text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN RETURN @extschema@.zd_only_the_real_one('pgp_pub_decrypt'); END
$$;

CREATE FUNCTION pgp_pub_decrypt(bytea, bytea, text, text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN RETURN @extschema@.zd_only_the_real_one('pgp_pub_decrypt'); END
$$;

CREATE FUNCTION pgp_pub_decrypt_bytea(bytea, bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN RETURN @extschema@.zd_only_the_real_one('pgp_pub_decrypt_bytea')::bytea; END
$$;

CREATE FUNCTION pgp_pub_decrypt_bytea(bytea, bytea, text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN RETURN @extschema@.zd_only_the_real_one('pgp_pub_decrypt_bytea')::bytea; END
$$;

CREATE FUNCTION pgp_pub_decrypt_bytea(bytea, bytea, text, text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN RETURN @extschema@.zd_only_the_real_one('pgp_pub_decrypt_bytea')::bytea; END
$$;

CREATE FUNCTION pgp_key_id(bytea) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN RETURN @extschema@.zd_only_the_real_one('pgp_key_id'); END
$$;

CREATE FUNCTION armor(bytea) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN RETURN @extschema@.zd_only_the_real_one('armor'); END
$$;

CREATE FUNCTION armor(bytea, text[], text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN RETURN @extschema@.zd_only_the_real_one('armor'); END
$$;

CREATE FUNCTION dearmor(text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN RETURN @extschema@.zd_only_the_real_one('dearmor')::bytea; END
$$;

CREATE FUNCTION pgp_armor_headers(text, key OUT text, value OUT text) RETURNS SETOF record
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN PERFORM @extschema@.zd_only_the_real_one('pgp_armor_headers'); END
$$;
