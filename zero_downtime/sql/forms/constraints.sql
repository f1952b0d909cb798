-- Constraints
ALTER TABLE orders ADD CONSTRAINT amount_given CHECK (amount > 0);
ALTER TABLE orders ADD CONSTRAINT amount_given CHECK (amount > 0) NOT VALID;
-- from 18
ALTER TABLE orders ADD CONSTRAINT amount_given CHECK (amount > 0) NOT ENFORCED;
ALTER TABLE events ADD CONSTRAINT id_given CHECK (id > 0);
ALTER TABLE animals ADD CONSTRAINT id_given CHECK (id > 0);
ALTER TABLE animals ADD CONSTRAINT id_given CHECK (id > 0) NO INHERIT;
-- from 18
ALTER TABLE orders ADD CONSTRAINT amount_there NOT NULL amount;
-- from 18
ALTER TABLE orders ADD CONSTRAINT amount_there NOT NULL amount NOT VALID;
ALTER TABLE lines ADD CONSTRAINT twice FOREIGN KEY (customer_id) REFERENCES customers;
ALTER TABLE lines ADD CONSTRAINT twice FOREIGN KEY (customer_id) REFERENCES customers NOT VALID;
ALTER TABLE readings ADD CONSTRAINT twice FOREIGN KEY (customer_id) REFERENCES customers;
ALTER TABLE scratch_notes ADD CONSTRAINT self UNIQUE (id);
ALTER TABLE scratch_notes ADD PRIMARY KEY (id);
ALTER TABLE animals ADD UNIQUE (id);
ALTER TABLE animals ADD PRIMARY KEY (id);
ALTER TABLE animals ADD CONSTRAINT owner FOREIGN KEY (id) REFERENCES lines;
ALTER TABLE orders ADD CONSTRAINT code_once UNIQUE USING INDEX orders_code;
ALTER TABLE scratch_notes ADD EXCLUDE USING btree (id WITH =);
ALTER TABLE readings ADD CONSTRAINT once UNIQUE (id, kind);
ALTER TABLE readings ADD PRIMARY KEY (id, kind);
-- from 17
ALTER TABLE readings ADD EXCLUDE USING btree (id WITH =, kind WITH =);
ALTER TABLE lines VALIDATE CONSTRAINT lines_customer;
ALTER TABLE lines VALIDATE CONSTRAINT lines_order;
ALTER TABLE lines VALIDATE CONSTRAINT quantity_positive;
ALTER TABLE lines DROP CONSTRAINT lines_order;
ALTER TABLE lines DROP CONSTRAINT quantity_positive;
ALTER TABLE customers DROP CONSTRAINT customers_email_key;
ALTER TABLE orders DROP CONSTRAINT orders_pkey CASCADE;
ALTER TABLE readings DROP CONSTRAINT readings_customer_id_fkey;
ALTER TABLE lines ALTER CONSTRAINT lines_order DEFERRABLE;
-- from 18
ALTER TABLE lines ALTER CONSTRAINT lines_order NOT ENFORCED;
ALTER TABLE lines RENAME CONSTRAINT lines_order TO lines_to_orders;
ALTER TABLE readings RENAME CONSTRAINT readings_customer_id_fkey TO owner;
ALTER TABLE readings VALIDATE CONSTRAINT readings_customer_id_fkey;
ALTER DOMAIN positive ADD CHECK (VALUE < 1000000);
ALTER DOMAIN positive ADD CHECK (VALUE < 1000000) NOT VALID;
ALTER DOMAIN positive VALIDATE CONSTRAINT positive_check;
ALTER DOMAIN positive SET NOT NULL;
ALTER TABLE depot.halls ADD CHECK (price > 0);
ALTER TABLE depot.halls ADD CONSTRAINT price_there CHECK (price IS NOT NULL) NOT VALID;
ALTER TABLE depot.halls ADD CONSTRAINT price_two CHECK (price > 0), ADD CONSTRAINT price_three CHECK (price < 9e9) NOT VALID;
ALTER TABLE depot.halls ADD CONSTRAINT price_one UNIQUE (price);
ALTER TABLE depot.halls ADD CONSTRAINT price_one UNIQUE (price) DEFERRABLE INITIALLY DEFERRED;
-- from 15
ALTER TABLE depot.halls ADD CONSTRAINT price_one UNIQUE NULLS NOT DISTINCT (price);
ALTER TABLE depot.halls ADD CONSTRAINT price_one UNIQUE (price) INCLUDE (id);
ALTER TABLE depot.halls ADD CONSTRAINT self_two FOREIGN KEY (parent_id) REFERENCES depot.halls;
ALTER TABLE depot.halls ADD CONSTRAINT self_two FOREIGN KEY (parent_id) REFERENCES depot.halls NOT VALID;
ALTER TABLE depot.halls ADD EXCLUDE USING gist (spot WITH ~=);
ALTER TABLE depot.boxes ADD FOREIGN KEY (shelf_id) REFERENCES depot.shelves ON DELETE CASCADE NOT VALID;
ALTER TABLE depot.boxes ADD FOREIGN KEY (id) REFERENCES depot.halls, ADD FOREIGN KEY (id) REFERENCES depot.shelves NOT VALID;
ALTER TABLE depot.boxes ADD FOREIGN KEY (id) REFERENCES depot.halls DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE depot.boxes ADD CONSTRAINT there CHECK (body IS NOT NULL), ADD COLUMN more int;
-- from 18
ALTER TABLE depot.boxes ADD CONSTRAINT away FOREIGN KEY (id) REFERENCES depot.halls NOT ENFORCED;
-- from 18
ALTER TABLE depot.modern ALTER CONSTRAINT modern_hall ENFORCED;
-- from 18
ALTER TABLE depot.modern VALIDATE CONSTRAINT modern_seen;
-- from 18
ALTER TABLE depot.modern DROP CONSTRAINT modern_hall;
-- from 18
ALTER TABLE depot.modern DROP CONSTRAINT modern_size;
-- from 18
ALTER TABLE depot.modern DROP CONSTRAINT modern_seen;
-- from 18
ALTER TABLE depot.modern ADD PRIMARY KEY (id);
-- from 18
ALTER TABLE depot.boxes ADD NOT NULL body;
-- from 18
ALTER TABLE depot.vehicles ADD CONSTRAINT plate_there NOT NULL plate;
-- from 18
ALTER TABLE depot.vehicles ADD CONSTRAINT plate_there NOT NULL plate NO INHERIT;
-- from 18
ALTER TABLE depot.vehicles ADD CONSTRAINT plate_there NOT NULL plate NOT VALID;
-- from 18
ALTER TABLE depot.moves ADD CONSTRAINT note_there NOT NULL note;
-- from 18
ALTER TABLE depot.moves ADD CONSTRAINT note_there NOT NULL note NOT VALID;
-- from 18
ALTER TABLE depot.claims ALTER CONSTRAINT claims_move NOT ENFORCED;
-- from 18
ALTER TABLE depot.vehicles ALTER CONSTRAINT vehicles_id_not_null NO INHERIT;
-- from 18
ALTER TABLE depot.guests DROP CONSTRAINT guests_hall_id_during_fkey;
-- from 18
ALTER TABLE depot.rents ADD CONSTRAINT rents_one UNIQUE (during, hall_id);
ALTER TABLE depot.moves ADD CONSTRAINT size_two CHECK (size > 0);
ALTER TABLE depot.moves ADD CONSTRAINT size_two CHECK (size > 0) NOT VALID;
ALTER TABLE depot.moves_now ADD CONSTRAINT size_two CHECK (size > 0);
ALTER TABLE depot.moves_now_in ADD CONSTRAINT size_two CHECK (size > 0);
ALTER TABLE depot.moves ADD CONSTRAINT hall_two FOREIGN KEY (hall_id) REFERENCES depot.halls;
-- from 18
ALTER TABLE depot.moves ADD CONSTRAINT hall_two FOREIGN KEY (hall_id) REFERENCES depot.halls NOT VALID;
ALTER TABLE depot.moves_old ADD CONSTRAINT hall_two FOREIGN KEY (hall_id) REFERENCES depot.halls;
ALTER TABLE depot.moves_old ADD CONSTRAINT hall_two FOREIGN KEY (hall_id) REFERENCES depot.halls NOT VALID;
ALTER TABLE depot.moves ADD UNIQUE (at, kind, id);
ALTER TABLE depot.moves_old ADD UNIQUE (id);
ALTER TABLE ONLY depot.moves ADD UNIQUE (at, id, kind);
ALTER TABLE depot.moves DROP CONSTRAINT moves_pkey CASCADE;
ALTER TABLE depot.moves DROP CONSTRAINT moves_hall;
ALTER TABLE depot.moves DROP CONSTRAINT moves_size;
ALTER TABLE depot.moves VALIDATE CONSTRAINT moves_hall;
ALTER TABLE depot.moves ALTER CONSTRAINT moves_hall DEFERRABLE;
ALTER TABLE depot.moves RENAME CONSTRAINT moves_size TO moves_size_now;
ALTER TABLE depot.moves RENAME CONSTRAINT moves_pkey TO moves_key;
ALTER TABLE depot.claims ADD CONSTRAINT move_two FOREIGN KEY (at, move_id, kind) REFERENCES depot.moves;
ALTER TABLE depot.claims ADD CONSTRAINT move_two FOREIGN KEY (at, move_id, kind) REFERENCES depot.moves NOT VALID;
ALTER TABLE depot.claims DROP CONSTRAINT claims_move;
ALTER TABLE depot.claims VALIDATE CONSTRAINT claims_move;
ALTER TABLE depot.claims ALTER CONSTRAINT claims_move DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE depot.claims RENAME CONSTRAINT claims_move TO claims_moves;
ALTER TABLE depot.vehicles ADD CONSTRAINT plate_long CHECK (length(plate) < 20);
ALTER TABLE depot.vehicles ADD CONSTRAINT plate_long CHECK (length(plate) < 20) NOT VALID;
ALTER TABLE depot.vehicles ADD CONSTRAINT plate_long CHECK (length(plate) < 20) NO INHERIT NOT VALID;
ALTER TABLE depot.vehicles DROP CONSTRAINT vehicles_wheels;
ALTER TABLE ONLY depot.vehicles DROP CONSTRAINT vehicles_wheels;
ALTER TABLE depot.vehicles DROP CONSTRAINT vehicles_plate;
ALTER TABLE depot.vehicles DROP CONSTRAINT IF EXISTS nothing;
ALTER TABLE depot.vehicles VALIDATE CONSTRAINT vehicles_wheels;
ALTER TABLE depot.vehicles RENAME CONSTRAINT vehicles_wheels TO vehicles_rolling;
ALTER TABLE depot.vehicles RENAME CONSTRAINT vehicles_plate TO vehicles_sign;
ALTER TABLE depot.vehicles ADD PRIMARY KEY (id);
ALTER TABLE depot.vehicles ADD UNIQUE (id);
ALTER TABLE ONLY depot.vehicles ADD UNIQUE (id);
ALTER TABLE depot.cars ADD CONSTRAINT doors_some CHECK (doors > 0);
ALTER TABLE depot.shelves DROP CONSTRAINT shelves_hall;
ALTER TABLE depot.shelves DROP CONSTRAINT shelves_pkey CASCADE;
ALTER TABLE depot.shelves DROP CONSTRAINT shelves_region, DROP CONSTRAINT shelves_hall;
ALTER TABLE depot.shelves ALTER CONSTRAINT shelves_hall DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE depot.halls DROP CONSTRAINT halls_parent;
ALTER TABLE depot.halls ALTER CONSTRAINT halls_parent DEFERRABLE;
ALTER TABLE depot.halls DROP CONSTRAINT halls_pkey CASCADE;
ALTER TABLE depot.halls DROP CONSTRAINT halls_region_id_key CASCADE;
ALTER TABLE depot.halls DROP CONSTRAINT halls_stock;
ALTER TABLE depot.halls RENAME CONSTRAINT halls_stock TO halls_stock_once;
ALTER TABLE depot.halls RENAME CONSTRAINT halls_parent TO halls_above;
ALTER TABLE depot.stack ADD PRIMARY KEY (id);
ALTER TABLE depot.stack ADD CONSTRAINT stack_body CHECK (body IS NOT NULL), ALTER COLUMN body SET NOT NULL;
ALTER TABLE lines VALIDATE CONSTRAINT lines_customer, VALIDATE CONSTRAINT quantity_positive;
ALTER TABLE lines DROP CONSTRAINT lines_customer;
ALTER TABLE customers DROP CONSTRAINT customers_pkey CASCADE;
ALTER TABLE orders ADD CONSTRAINT code_key PRIMARY KEY USING INDEX orders_code, DROP CONSTRAINT orders_pkey CASCADE;
ALTER TABLE orders DROP CONSTRAINT known_given, ADD CONSTRAINT known_given CHECK (known IS NOT NULL) NOT VALID;
ALTER TABLE orders DROP CONSTRAINT IF EXISTS no_such;
ALTER TABLE animals ADD CONSTRAINT id_given CHECK (id > 0) NOT VALID;
ALTER TABLE dogs ADD FOREIGN KEY (tail) REFERENCES lines;
ALTER TABLE scratch_notes ADD CONSTRAINT small CHECK (id < 1000000) NOT VALID, VALIDATE CONSTRAINT small;
ALTER TABLE scratch_notes ADD FOREIGN KEY (id) REFERENCES depot.boxes ON UPDATE CASCADE NOT VALID;
ALTER FOREIGN TABLE depot.remote ADD CONSTRAINT seen CHECK (id > 0) NOT VALID;
ALTER DOMAIN depot.postcode ADD CONSTRAINT short CHECK (length(VALUE) < 9);
ALTER DOMAIN depot.postcode ADD CONSTRAINT short CHECK (length(VALUE) < 9) NOT VALID;
ALTER DOMAIN depot.postcode SET NOT NULL;
ALTER DOMAIN depot.postcode DROP NOT NULL;
ALTER DOMAIN depot.postcode SET DEFAULT 'x';
ALTER DOMAIN depot.postcode DROP DEFAULT;
ALTER DOMAIN depot.postcode DROP CONSTRAINT postcode_shape;
ALTER DOMAIN depot.postcode DROP CONSTRAINT IF EXISTS nothing;
ALTER DOMAIN depot.postcode RENAME CONSTRAINT postcode_shape TO postcode_form;
ALTER DOMAIN depot.postcode VALIDATE CONSTRAINT postcode_shape;
ALTER DOMAIN depot.zone ADD CHECK (VALUE <> 'y');
ALTER DOMAIN depot.weight VALIDATE CONSTRAINT weight_light;
ALTER DOMAIN depot.filled SET NOT NULL;
ALTER DOMAIN depot.filled DROP NOT NULL;
ALTER DOMAIN depot.filled ADD CHECK (VALUE <> 'y');
-- from 17
ALTER DOMAIN depot.filled ADD CONSTRAINT there NOT NULL;
ALTER DOMAIN depot.zone SET NOT NULL;
ALTER DOMAIN positive RENAME TO above_zero;
ALTER DOMAIN positive OWNER TO pg_monitor;
ALTER DOMAIN positive SET SCHEMA archive;
CREATE DOMAIN depot.more AS text NOT NULL CHECK (VALUE <> '');
SET CONSTRAINTS ALL DEFERRED;
SET CONSTRAINTS depot.shelves_region IMMEDIATE;
