SET lock_timeout = '2s';
SET statement_timeout = '30s';

CREATE TABLE teams (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL UNIQUE,
  created_at timestamptz NOT NULL DEFAULT now(),
  CHECK (length(name) > 0)
);
CREATE INDEX teams_created_at ON teams (created_at);
CREATE TABLE members (
  team_id bigint NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
  user_id bigint NOT NULL,
  PRIMARY KEY (team_id, user_id)
);
ALTER TABLE members ADD CONSTRAINT members_user CHECK (user_id > 0);
CREATE INDEX ON members (user_id);
COMMENT ON TABLE teams IS 'Who works together';
