SET lock_timeout = '2s';
SET statement_timeout = '30s';

CREATE TABLE notes (id bigint PRIMARY KEY, body text, changed_at timestamptz);
CREATE FUNCTION notes_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.changed_at := now();
  RETURN NEW;
END
$$;
CREATE TRIGGER notes_touch BEFORE UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION notes_touch();
