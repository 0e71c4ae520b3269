-- A workspace's database as Corral 0.3 (schema 1) wrote it, by its own code; what it said of it is in the .json.
BEGIN TRANSACTION;
CREATE TABLE actions (
	project_id VARCHAR NOT NULL, 
	seq INTEGER NOT NULL, 
	kind VARCHAR NOT NULL, 
	label_id INTEGER, 
	target INTEGER, 
	n_rows INTEGER NOT NULL, 
	rows BLOB, 
	"after" BLOB, 
	"before" BLOB, 
	who VARCHAR NOT NULL, 
	at VARCHAR NOT NULL, 
	how VARCHAR NOT NULL, 
	PRIMARY KEY (project_id, seq), 
	FOREIGN KEY(project_id, label_id) REFERENCES labels (project_id, id), 
	FOREIGN KEY(project_id) REFERENCES projects (id)
);
INSERT INTO "actions" VALUES('abcdefghjkmn',1,'import',NULL,NULL,5,X'7801636060606002624628CD06A4010068000C',X'780163606060600462262006016620060000480007',X'7801FBFF1F13306001005FE413ED','ann','2025-03-01T12:00:01+00:00','{"by": "imported"}');
INSERT INTO "actions" VALUES('abcdefghjkmn',2,'assign',4,NULL,3,X'7801636060606084620000180003',NULL,X'780163606060F80F048C401A84410044030049EE0400','ann','2025-03-01T12:00:02+00:00','{"by": "lasso", "map": "0-UMAP", "polygon": [[0.0, 1.5], [2.25, 1.0], [1.0, -3.0]], "steps": 1}');
INSERT INTO "actions" VALUES('abcdefghjkmn',3,'assign',5,NULL,1,X'780163616060000000140005',NULL,X'7801FBFFFFFF7F0620000019EE03FD','bob','2025-03-01T12:00:03+00:00','{"by": "search", "query": "cat''s \"mat\""}');
INSERT INTO "actions" VALUES('abcdefghjkmn',4,'undo',NULL,3,1,NULL,NULL,NULL,'ann','2025-03-01T12:00:04+00:00','{}');
INSERT INTO "actions" VALUES('abcdefghjkmn',5,'redo',NULL,3,1,NULL,NULL,NULL,'bob','2025-03-01T12:00:05+00:00','{}');
INSERT INTO "actions" VALUES('abcdefghjkmn',6,'clear',NULL,NULL,2,X'7801636060606001620000180005',NULL,X'78016361606060056226206606620000A8000F','bob','2025-03-01T12:00:06+00:00','{}');
INSERT INTO "actions" VALUES('abcdefghjkmn',7,'undo',NULL,6,2,NULL,NULL,NULL,'bob','2025-03-01T12:00:07+00:00','{}');
INSERT INTO "actions" VALUES('abcdefghjkmn',8,'undo',NULL,3,1,NULL,NULL,NULL,'ann','2025-03-01T12:00:08+00:00','{}');
INSERT INTO "actions" VALUES('abcdefghjkmn',9,'assign',6,NULL,2,X'7801E3646060600462000054000B',NULL,X'7801FBFF1F0218A0000063AC07F9','ann','2025-03-01T12:00:09+00:00','{}');
INSERT INTO "actions" VALUES('abcdefghjkmn',10,'undo',NULL,9,2,NULL,NULL,NULL,'ann','2025-03-01T12:00:10+00:00','{}');
INSERT INTO "actions" VALUES('abcdefghjkmn',11,'redo',NULL,9,2,NULL,NULL,NULL,'ann','2025-03-01T12:00:11+00:00','{}');
INSERT INTO "actions" VALUES('abcdefghjkmn',12,'undo',NULL,9,2,NULL,NULL,NULL,'ann','2025-03-01T12:00:12+00:00','{}');
INSERT INTO "actions" VALUES('abcdefghjkmn',13,'assign',5,NULL,3,X'7801636160606002624620060000500008',NULL,X'7801FBFF1F0118900000DD3A0BF5','ann','2025-03-01T12:00:13+00:00','{"by": "box"}');
INSERT INTO "actions" VALUES('abcdefghjkmn',14,'clear',NULL,NULL,2,X'78016363606060056200004C000C',NULL,X'7801636560606006625E206604620000F00017','bob','2025-03-01T12:00:14+00:00','{"by": "lasso", "map": "0-UMAP", "polygon": [[0.0, 1.5], [2.25, 1.0], [1.0, -3.0]], "steps": 1}');
INSERT INTO "actions" VALUES('abcdefghjkmn',15,'undo',NULL,14,2,NULL,NULL,NULL,'ann','2025-03-01T12:00:15+00:00','{}');
INSERT INTO "actions" VALUES('npqrstuvwxyz',1,'assign',0,NULL,12,X'78016360606060240103000138000C',NULL,X'7801FBFF9F34C0402200008B8B2FD1','','2025-03-01T12:00:16+00:00','{}');
INSERT INTO "actions" VALUES('npqrstuvwxyz',2,'assign',1,NULL,2,X'7801636460606002620000180004',NULL,X'780163608000462005C200001C0003','','2025-03-01T12:00:17+00:00','{}');
INSERT INTO "actions" VALUES('npqrstuvwxyz',3,'import',NULL,NULL,6,X'78016364606060C2820100A8000C',X'78016362606060C2820100C0000D',X'78016364606060046274C004140061901C320600010C000B','','2025-03-01T12:00:18+00:00','{"by": "imported"}');
INSERT INTO "actions" VALUES('npqrstuvwxyz',4,'undo',NULL,3,6,NULL,NULL,NULL,'','2025-03-01T12:00:19+00:00','{}');
INSERT INTO "actions" VALUES('npqrstuvwxyz',5,'undo',NULL,2,2,NULL,NULL,NULL,'','2025-03-01T12:00:20+00:00','{}');
INSERT INTO "actions" VALUES('npqrstuvwxyz',6,'undo',NULL,1,12,NULL,NULL,NULL,'','2025-03-01T12:00:21+00:00','{}');
INSERT INTO "actions" VALUES('npqrstuvwxyz',7,'redo',NULL,1,12,NULL,NULL,NULL,'','2025-03-01T12:00:22+00:00','{}');
CREATE TABLE labels (
	project_id VARCHAR NOT NULL, 
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	PRIMARY KEY (project_id, id), 
	UNIQUE (project_id, name), 
	FOREIGN KEY(project_id) REFERENCES projects (id)
);
INSERT INTO "labels" VALUES('abcdefghjkmn',0,'x');
INSERT INTO "labels" VALUES('abcdefghjkmn',1,'y');
INSERT INTO "labels" VALUES('abcdefghjkmn',2,'=1+1');
INSERT INTO "labels" VALUES('abcdefghjkmn',3,'می‌خواهم');
INSERT INTO "labels" VALUES('abcdefghjkmn',4,'a <script>');
INSERT INTO "labels" VALUES('abcdefghjkmn',5,'b');
INSERT INTO "labels" VALUES('abcdefghjkmn',6,'taken back');
INSERT INTO "labels" VALUES('npqrstuvwxyz',0,'all');
INSERT INTO "labels" VALUES('npqrstuvwxyz',1,'other');
INSERT INTO "labels" VALUES('npqrstuvwxyz',2,'new');
CREATE TABLE meta (
	schema_version INTEGER NOT NULL
);
INSERT INTO "meta" VALUES(1);
CREATE TABLE projects (
	id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	created_at VARCHAR NOT NULL, 
	n_rows INTEGER NOT NULL, 
	space INTEGER NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "projects" VALUES('abcdefghjkmn','Grüße <b>''s','2025-03-01T11:00:00.000+00:00',12,0);
INSERT INTO "projects" VALUES('emptyprojekt','Nothing labelled yet','2025-03-01T11:00:00.000+00:00',12,0);
INSERT INTO "projects" VALUES('npqrstuvwxyz','Second','2025-03-01T11:00:00.000+00:00',12,0);
CREATE TABLE spaces (
	project_id VARCHAR NOT NULL, 
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	settings VARCHAR NOT NULL, 
	parent INTEGER, 
	created_at VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	PRIMARY KEY (project_id, id), 
	FOREIGN KEY(project_id) REFERENCES projects (id)
);
INSERT INTO "spaces" VALUES('abcdefghjkmn',0,'Original','encoder','{"model": null}',NULL,'2025-03-01T11:00:00.000+00:00','kept');
INSERT INTO "spaces" VALUES('emptyprojekt',0,'Original','encoder','{"model": null}',NULL,'2025-03-01T11:00:00.000+00:00','kept');
INSERT INTO "spaces" VALUES('npqrstuvwxyz',0,'Original','encoder','{"model": null}',NULL,'2025-03-01T11:00:00.000+00:00','kept');
INSERT INTO "spaces" VALUES('npqrstuvwxyz',1,'Tuned','ContrastiveTuner','{"epochs": 3}',0,'2025-03-01T11:10:00.000+00:00','candidate');
COMMIT;
