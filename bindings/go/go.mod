module shardmgr

go 1.19
