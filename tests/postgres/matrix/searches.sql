CREATE SCHEMA shop;
CREATE TEXT SEARCH DICTIONARY shop.words (TEMPLATE = simple, stopwords = english);
CREATE TEXT SEARCH CONFIGURATION shop.english (COPY = english);
CREATE TEXT SEARCH CONFIGURATION shop.bare (PARSER = "default");
CREATE TABLE shop.pages (id bigint PRIMARY KEY, body text);
INSERT INTO shop.pages VALUES (1, 'a cat');

--- options of a dictionary
-- new:
ALTER TEXT SEARCH DICTIONARY shop.words (stopwords = german, accept = false);

--- options of a dictionary that a configuration uses
-- old:
ALTER TEXT SEARCH CONFIGURATION shop.english ALTER MAPPING FOR asciiword WITH shop.words;
-- new:
ALTER TEXT SEARCH CONFIGURATION shop.english ALTER MAPPING FOR asciiword WITH shop.words;
ALTER TEXT SEARCH DICTIONARY shop.words (stopwords);

--- another template of a dictionary that a configuration uses
-- old:
ALTER TEXT SEARCH CONFIGURATION shop.english ALTER MAPPING FOR asciiword WITH shop.words;
-- new:
ALTER TEXT SEARCH CONFIGURATION shop.english ALTER MAPPING FOR asciiword WITH simple;
DROP TEXT SEARCH DICTIONARY shop.words;
CREATE TEXT SEARCH DICTIONARY shop.words (TEMPLATE = snowball, language = english);
ALTER TEXT SEARCH CONFIGURATION shop.english ALTER MAPPING FOR asciiword WITH shop.words;

--- mappings
-- new:
ALTER TEXT SEARCH CONFIGURATION shop.english DROP MAPPING FOR email, url;
ALTER TEXT SEARCH CONFIGURATION shop.english ALTER MAPPING FOR word WITH shop.words, english_stem;
ALTER TEXT SEARCH CONFIGURATION shop.bare ADD MAPPING FOR word, asciiword WITH simple;

--- a generated column and an index
-- unsafe up: the table is written anew
-- new:
ALTER TABLE shop.pages ADD v tsvector GENERATED ALWAYS AS
    (to_tsvector('shop.english'::regconfig, body)) STORED;
CREATE INDEX by_v ON shop.pages USING gin (v);

--- a configuration goes
-- new:
DROP TEXT SEARCH CONFIGURATION shop.bare;

--- another parser
-- new:
CREATE TEXT SEARCH PARSER shop.p (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end,
    LEXTYPES = prsd_lextype, HEADLINE = prsd_headline);
CREATE TEXT SEARCH TEMPLATE shop.t (INIT = dsimple_init, LEXIZE = dsimple_lexize);
DROP TEXT SEARCH CONFIGURATION shop.bare;
CREATE TEXT SEARCH CONFIGURATION shop.bare (PARSER = shop.p);
