PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE accounts (
	account_id VARCHAR NOT NULL, 
	facts TEXT NOT NULL, 
	read_at BIGINT NOT NULL, 
	login_id BIGINT, 
	PRIMARY KEY (account_id)
);
INSERT INTO accounts VALUES('123456','{"id": "123456", "name": "Jane Doe", "user_id": "123456", "anonymous": false, "avatar_url": null, "expires_at": "2026-01-21T00:00:00+00:00", "issued_at": "2025-12-22T00:00:00+00:00", "host": "hailuoai.video", "max_jobs": 2, "capabilities": [["supportVideo", true], ["supportChat", null], ["supportAudio", null], ["supportMusic", null]], "masked_token": "eyJ\u2022\u2022\u2022W5l", "error": null}',1768543200000,1);
INSERT INTO accounts VALUES('234567','{"id": "234567", "name": "Sam Reed", "user_id": "234567", "anonymous": false, "avatar_url": null, "expires_at": "2026-02-12T00:00:00+00:00", "issued_at": "2026-01-13T00:00:00+00:00", "host": "hailuoai.video", "max_jobs": 2, "capabilities": [["supportVideo", true], ["supportChat", null], ["supportAudio", null], ["supportMusic", null]], "masked_token": "eyJ\u2022\u2022\u2022W5l", "error": null}',1768543200000,6);
INSERT INTO accounts VALUES('345678','{"id": "345678", "name": "J\u00fcrgen \ud83e\udd8a ''x''; --", "user_id": "345678", "anonymous": false, "avatar_url": null, "expires_at": "2025-11-22T00:00:00+00:00", "issued_at": "2025-10-23T00:00:00+00:00", "host": "hailuoai.video", "max_jobs": 2, "capabilities": [["supportVideo", true], ["supportChat", null], ["supportAudio", null], ["supportMusic", null]], "masked_token": "eyJ\u2022\u2022\u2022W5l", "error": null}',1768543200000,3);
INSERT INTO accounts VALUES('a/b c','{"id": "a/b c", "name": "Odd", "user_id": "a/b c", "anonymous": false, "avatar_url": null, "expires_at": "2026-01-31T00:00:00+00:00", "issued_at": "2026-01-01T00:00:00+00:00", "host": "hailuoai.video", "max_jobs": 2, "capabilities": [["supportVideo", true], ["supportChat", null], ["supportAudio", null], ["supportMusic", null]], "masked_token": "eyJ\u2022\u2022\u2022W5l", "error": "login failed"}',1768543200000,4);
INSERT INTO accounts VALUES('456789','{"id": "456789", "name": "Gone Girl", "user_id": "456789", "anonymous": false, "avatar_url": null, "expires_at": "2026-01-26T00:00:00+00:00", "issued_at": "2025-12-27T00:00:00+00:00", "host": "hailuoai.video", "max_jobs": 2, "capabilities": [["supportVideo", true], ["supportChat", null], ["supportAudio", null], ["supportMusic", null]], "masked_token": "eyJ\u2022\u2022\u2022W5l", "error": null}',1768089600000,5);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO alembic_version VALUES('0004');
CREATE TABLE leases (
	name VARCHAR NOT NULL, 
	owner VARCHAR NOT NULL, 
	epoch BIGINT NOT NULL, 
	until BIGINT NOT NULL, polled_at BIGINT, channels_checked_at BIGINT, 
	PRIMARY KEY (name)
);
INSERT INTO leases VALUES('poll','0123456789abcdef',1,1768543200,1768543200000,1768521600000);
CREATE TABLE logins (
	id INTEGER NOT NULL, 
	account_id VARCHAR NOT NULL, 
	first_expires_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	life_seconds BIGINT, 
	previous_id BIGINT, 
	user_id VARCHAR, 
	PRIMARY KEY (id)
);
INSERT INTO logins VALUES(1,'123456',1768953600000,1768953600000,2592000,NULL,'123456');
INSERT INTO logins VALUES(2,'234567',1768003200000,1768003200000,2592000,NULL,'234567');
INSERT INTO logins VALUES(3,'345678',1763769600000,1763769600000,2592000,NULL,'345678');
INSERT INTO logins VALUES(4,'a/b c',1769817600000,1769817600000,2592000,NULL,'a/b c');
INSERT INTO logins VALUES(5,'456789',1769385600000,1769385600000,2592000,NULL,'456789');
INSERT INTO logins VALUES(6,'234567',1770854400000,1770854400000,3024000,2,'234567');
CREATE TABLE incidents (
	id INTEGER NOT NULL, 
	kind VARCHAR NOT NULL, 
	account_id VARCHAR, 
	bad_polls INTEGER NOT NULL, 
	bad_since BIGINT, 
	good_since BIGINT, 
	number INTEGER NOT NULL, 
	is_open BOOLEAN NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO incidents VALUES(1,'error','123456',0,NULL,1767225600000,0,0);
INSERT INTO incidents VALUES(2,'error','234567',0,NULL,1767225600000,0,0);
INSERT INTO incidents VALUES(3,'error','345678',0,NULL,1767225600000,0,0);
INSERT INTO incidents VALUES(4,'error','a/b c',44,1767614400000,NULL,1,1);
INSERT INTO incidents VALUES(5,'error','456789',0,NULL,1767225600000,0,0);
INSERT INTO incidents VALUES(6,'missing','123456',0,NULL,1767225600000,0,0);
INSERT INTO incidents VALUES(7,'missing','234567',0,NULL,1767225600000,0,0);
INSERT INTO incidents VALUES(8,'missing','345678',0,NULL,1767225600000,0,0);
INSERT INTO incidents VALUES(9,'missing','a/b c',0,NULL,1767225600000,0,0);
INSERT INTO incidents VALUES(10,'missing','456789',21,1768111200000,NULL,1,1);
INSERT INTO incidents VALUES(11,'unreadable',NULL,0,NULL,1767225600000,0,0);
CREATE TABLE subscriptions (
	id INTEGER NOT NULL, 
	guild_id BIGINT NOT NULL, 
	channel_id BIGINT NOT NULL, 
	channel_name VARCHAR NOT NULL, 
	account_id VARCHAR, 
	lead_times VARCHAR NOT NULL, 
	role_id BIGINT, 
	added_by BIGINT NOT NULL, 
	next_check_at BIGINT NOT NULL, 
	paused_at BIGINT, 
	PRIMARY KEY (id)
);
INSERT INTO subscriptions VALUES(1,1200000000000000001,1456074443980800010,'pipeline',NULL,'14,7,3,1',1456074443980800013,1456074443980800011,1768543200000,NULL);
INSERT INTO subscriptions VALUES(2,1200000000000000001,1456074443980800014,'it''s-other','123456','10,5,1',NULL,1456074443980800011,1768867200000,NULL);
INSERT INTO subscriptions VALUES(3,1200000000000000001,1456074443980800015,'refusing','123456','14,7,3,1',NULL,1456074443980800011,1768694400000,NULL);
INSERT INTO subscriptions VALUES(4,1200000000000000001,1456074443980800016,'doomed','a/b c','1',NULL,1456074443980800011,1769731200000,NULL);
INSERT INTO subscriptions VALUES(5,1200000000000000001,1456074443980800017,'quiet','234567','7,3',NULL,1456074443980800011,86400000,1767420000000);
CREATE TABLE IF NOT EXISTS "messages" (
	id INTEGER NOT NULL, 
	guild_id BIGINT NOT NULL, 
	channel_id BIGINT NOT NULL, 
	nonce VARCHAR NOT NULL, 
	payload TEXT, 
	state VARCHAR NOT NULL, 
	first_attempt_at BIGINT NOT NULL, 
	discord_id BIGINT, 
	edit_at BIGINT, 
	kind VARCHAR NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (nonce)
);
INSERT INTO messages VALUES(1,1200000000000000001,1456074443980800010,'25efac337a5676ced565f668',NULL,'sent',1767225600000,1456074443980800036,NULL,'notifications');
INSERT INTO messages VALUES(2,1200000000000000001,1456074443980800017,'a4b77fe93446c7508ef6da95',NULL,'sent',1767398400000,1456799219712000000,NULL,'notifications');
INSERT INTO messages VALUES(3,1200000000000000001,1456074443980800010,'e4602ba2b6dfc496f24edf35',NULL,'sent',1767398400000,1456799219712000001,NULL,'notifications');
INSERT INTO messages VALUES(4,1200000000000000001,1456074443980800010,'86d26edda1cc1f416f2b2771',NULL,'sent',1767636000000,1457795786342400000,NULL,'notifications');
INSERT INTO messages VALUES(5,1200000000000000001,1456074443980800016,'12c77f7d1a61cec8fe5b33d3',NULL,'sent',1767636000000,1457795786342400001,NULL,'notifications');
INSERT INTO messages VALUES(6,1200000000000000001,1456074443980800010,'b141fe54bbea6f2f5fcf326a',NULL,'sent',1767744000000,1458248771174400000,1768348800000,'notifications');
INSERT INTO messages VALUES(7,1200000000000000001,1456074443980800010,'ec57a0d465d3de87899a9f24',NULL,'sent',1767830400000,1458611159040000000,NULL,'notifications');
INSERT INTO messages VALUES(9,1200000000000000001,1456074443980800014,'b364905748a10782332f67c5',NULL,'sent',1768089600000,1459698322636800000,1768521600000,'notifications');
INSERT INTO messages VALUES(11,1200000000000000001,1456074443980800010,'d282ca404a3e043bcc3165ff',NULL,'sent',1768154400000,1459970113536000000,NULL,'notifications');
INSERT INTO messages VALUES(12,1200000000000000001,1456074443980800010,'416967554945ee837bb28f38',NULL,'sent',1768348800000,1460785486233600000,NULL,'notifications');
INSERT INTO messages VALUES(14,1200000000000000001,1456074443980800014,'fc896678b34f980b13782eeb',NULL,'sent',1768521600000,1461510261964800000,NULL,'notifications');
INSERT INTO messages VALUES(15,1200000000000000001,1456074443980800010,'0123456789abcdef01234567','{"content": "⏰ it''s due", "embeds": [], "roles": []}','sending',1768543200000,NULL,NULL,'notifications');
INSERT INTO messages VALUES(16,1200000000000000001,1456074443980800018,'d19e58e56955b900d34367c6',NULL,'sent',1767225600000,1456074443980800031,NULL,'board');
INSERT INTO messages VALUES(17,1200000000000000001,1456074443980800019,'89abcdef6969d3e001234567',NULL,'sending',1768543200000,NULL,NULL,'board');
CREATE TABLE notifications (
	id INTEGER NOT NULL, 
	guild_id BIGINT NOT NULL, 
	channel_id BIGINT NOT NULL, 
	account_id VARCHAR, 
	kind VARCHAR NOT NULL, 
	ref BIGINT NOT NULL, 
	stage INTEGER NOT NULL, 
	state VARCHAR NOT NULL, 
	due_at BIGINT NOT NULL, 
	is_late BOOLEAN NOT NULL, 
	message_id INTEGER, 
	PRIMARY KEY (id), 
	FOREIGN KEY(message_id) REFERENCES messages (id)
);
INSERT INTO notifications VALUES(1,1200000000000000001,1456074443980800010,'345678','stage',3,1,'superseded',1767225600000,0,NULL);
INSERT INTO notifications VALUES(2,1200000000000000001,1456074443980800010,'345678','stage',3,3,'superseded',1767225600000,0,NULL);
INSERT INTO notifications VALUES(3,1200000000000000001,1456074443980800010,'345678','stage',3,14,'superseded',1767225600000,0,NULL);
INSERT INTO notifications VALUES(4,1200000000000000001,1456074443980800010,'345678','stage',3,7,'superseded',1767225600000,0,NULL);
INSERT INTO notifications VALUES(5,1200000000000000001,1456074443980800010,'234567','stage',2,14,'sent',1767225600000,0,1);
INSERT INTO notifications VALUES(6,1200000000000000001,1456074443980800010,'345678','stage',3,0,'sent',1767225600000,0,1);
INSERT INTO notifications VALUES(7,1200000000000000001,1456074443980800010,'234567','stage',2,7,'sent',1767398400000,0,3);
INSERT INTO notifications VALUES(8,1200000000000000001,1456074443980800017,'234567','stage',2,7,'sent',1767398400000,0,2);
INSERT INTO notifications VALUES(9,1200000000000000001,1456074443980800010,'a/b c','error',1,0,'sent',1767636000000,0,4);
INSERT INTO notifications VALUES(10,1200000000000000001,1456074443980800016,'a/b c','error',1,0,'sent',1767636000000,0,5);
INSERT INTO notifications VALUES(11,1200000000000000001,1456074443980800010,'123456','stage',1,14,'sent',1767744000000,0,6);
INSERT INTO notifications VALUES(12,1200000000000000001,1456074443980800010,'234567','stage',2,3,'sent',1767744000000,0,6);
INSERT INTO notifications VALUES(13,1200000000000000001,1456074443980800015,'123456','stage',1,14,'superseded',1768348800000,0,NULL);
INSERT INTO notifications VALUES(14,1200000000000000001,1456074443980800010,'234567','renewed',2,0,'sent',1767830400000,0,7);
INSERT INTO notifications VALUES(15,1200000000000000001,1456074443980800014,'123456','stage',1,10,'sent',1768089600000,0,9);
INSERT INTO notifications VALUES(16,1200000000000000001,1456074443980800010,'456789','missing',1,0,'sent',1768154400000,0,11);
INSERT INTO notifications VALUES(17,1200000000000000001,1456074443980800010,'123456','stage',1,7,'sent',1768348800000,0,12);
INSERT INTO notifications VALUES(18,1200000000000000001,1456074443980800015,'123456','stage',1,7,'pending',1768348800000,0,NULL);
INSERT INTO notifications VALUES(19,1200000000000000001,1456074443980800014,'123456','stage',1,5,'sent',1768521600000,0,14);
INSERT INTO notifications VALUES(20,1200000000000000001,1456074443980800010,'123456','stage',1,1,'sending',1768543200000,0,15);
CREATE TABLE boards (
	guild_id BIGINT NOT NULL, 
	channel_id BIGINT NOT NULL, 
	added_by BIGINT NOT NULL, 
	message_id INTEGER, 
	digest VARCHAR, 
	PRIMARY KEY (guild_id, channel_id), 
	FOREIGN KEY(message_id) REFERENCES messages (id)
);
INSERT INTO boards VALUES(1200000000000000001,1456074443980800018,1456074443980800011,16,'ebe87c02957fb5e0cd7a894b8163705128e19103b75e7c2e4a94e7ea3ab7582b');
INSERT INTO boards VALUES(1200000000000000001,1456074443980800019,1456074443980800011,17,NULL);
CREATE TABLE channel_failures (
	guild_id BIGINT NOT NULL, 
	channel_id BIGINT NOT NULL, 
	kind VARCHAR NOT NULL, 
	failures INTEGER NOT NULL, 
	failing_since BIGINT NOT NULL, 
	next_attempt_at BIGINT NOT NULL, 
	reason VARCHAR NOT NULL, 
	is_lasting BOOLEAN NOT NULL, 
	is_reported BOOLEAN NOT NULL, 
	PRIMARY KEY (guild_id, channel_id, kind)
);
INSERT INTO channel_failures VALUES(1200000000000000001,1456074443980800015,'notifications',38,1767744000000,1768564800000,'the bot lacks a right in the channel',1,1);
INSERT INTO channel_failures VALUES(1200000000000000001,1456074443980800016,'notifications',0,1767916800000,1767916800000,'the channel is gone',1,1);
INSERT INTO channel_failures VALUES(1200000000000000001,1456074443980800019,'board',3,1768536000000,1768546800000,'the bot lacks a right in the channel',1,1);
CREATE TABLE assignments (
	guild_id BIGINT NOT NULL, 
	channel_id BIGINT NOT NULL, 
	account_id VARCHAR NOT NULL, 
	login_id BIGINT NOT NULL, 
	user_id BIGINT NOT NULL, 
	assigned_at BIGINT NOT NULL, 
	PRIMARY KEY (guild_id, channel_id, account_id, login_id)
);
INSERT INTO assignments VALUES(1200000000000000001,1456074443980800010,'345678',3,1456074443980800012,1767420000000);
INSERT INTO assignments VALUES(1200000000000000001,1456074443980800010,'a/b c',4,1456074443980800011,1767679200000);
INSERT INTO assignments VALUES(1200000000000000001,1456074443980800014,'123456',1,1456074443980800012,1768089600000);
CREATE INDEX ix_logins_account_id ON logins (account_id);
CREATE UNIQUE INDEX incidents_of_account ON incidents (kind, account_id) WHERE account_id IS NOT NULL;
CREATE UNIQUE INDEX incidents_of_all ON incidents (kind) WHERE account_id IS NULL;
CREATE UNIQUE INDEX subscriptions_of_account ON subscriptions (guild_id, channel_id, account_id) WHERE account_id IS NOT NULL;
CREATE UNIQUE INDEX subscriptions_of_all ON subscriptions (guild_id, channel_id) WHERE account_id IS NULL;
CREATE INDEX ix_subscriptions_next_check_at ON subscriptions (next_check_at);
CREATE INDEX subscriptions_by_account ON subscriptions (account_id);
CREATE INDEX subscriptions_by_channel ON subscriptions (channel_id);
CREATE INDEX ix_messages_edit_at ON messages (edit_at);
CREATE INDEX messages_by_state ON messages (state);
CREATE INDEX messages_by_channel ON messages (channel_id);
CREATE INDEX ix_messages_discord_id ON messages (discord_id);
CREATE UNIQUE INDEX notifications_of_account ON notifications (guild_id, channel_id, kind, ref, stage, account_id) WHERE account_id IS NOT NULL;
CREATE UNIQUE INDEX notifications_of_all ON notifications (guild_id, channel_id, kind, ref, stage) WHERE account_id IS NULL;
CREATE INDEX notifications_by_state ON notifications (state, channel_id);
CREATE INDEX notifications_by_message ON notifications (message_id);
CREATE INDEX notifications_by_ref ON notifications (kind, ref);
CREATE INDEX ix_boards_message_id ON boards (message_id);
COMMIT;
