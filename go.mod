module github.com/lunarsan/lunar

go 1.26
