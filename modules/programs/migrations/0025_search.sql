-- The catalogue's search does not depend on the LC_CTYPE of the database. Under C it took typographic punctuation and
-- emojis for letters, so that "beginner" did not find "Beginner’s chess".
CREATE EXTENSION IF NOT EXISTS unaccent;

-- Words as they are searched: in one normal form, without accents, and with nothing but spaces and ASCII punctuation
-- between them. What nobody sees parts no word.
CREATE FUNCTION program_words(written text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path FROM CURRENT
AS $$
    SELECT lower(unaccent('unaccent', normalize(regexp_replace(regexp_replace(
        translate(normalize(written, NFKC), '‘’‛ʼ＇“”„‟', '''''''''''""""'),
        '[\u00AD\u034F\u061C\u180B-\u180F\u200B-\u200F\u202A-\u202E\u2060-\u206F\uFE00-\uFE0F\uFEFF\U000E0000-\U000E0FFF]', '', 'g'),
        '[\u00A0-\u00A9\u00AB-\u00B4\u00B6-\u00B9\u00BB-\u00BF\u00D7\u00F7\u0964\u0965\u2000-\u2BFF\u2E00-\u2E7F\u3000-\u303F\U0001F000-\U0001FAFF]',
        ' ', 'g'), NFC)))
$$;

ALTER TABLE program DROP COLUMN search;
ALTER TABLE program ADD COLUMN search tsvector NOT NULL GENERATED ALWAYS AS (
    setweight(to_tsvector('english', program_words(title)), 'A')
    || setweight(to_tsvector('english', program_words(summary)), 'B')
) STORED;
CREATE INDEX program_search ON program USING gin (search);
