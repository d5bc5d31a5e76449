package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/lunarsan/lunar/internal/control"
)

// loadTitles are the titles of what loadCells returns.
var loadTitles = []string{"IOPS", "READ MB/S", "WRITE MB/S", "P50", "P99", "MAX"}

// loadCells writes a load for a table.
func loadCells(l control.Load) []string {
	return []string{rate(l.IOPS), rate(l.ReadRate / 1e6), rate(l.WriteRate / 1e6), micros(l.P50), micros(l.P99), micros(l.Max)}
}

// rate writes a number with no more digits than anybody reads.
func rate(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 10:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v < 100:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

// micros writes a time in microseconds, 0 being none.
func micros(us float64) string {
	switch {
	case us == 0:
		return "-"
	case us < 10:
		return fmt.Sprintf("%.1fµs", us)
	case us < 1000:
		return fmt.Sprintf("%.0fµs", us)
	case us < 10_000:
		return fmt.Sprintf("%.1fms", us/1000)
	case us < 1e6:
		return fmt.Sprintf("%.0fms", us/1000)
	}
	return fmt.Sprintf("%.1fs", us/1e6)
}

// seconds writes how long something lasts.
func seconds(n int64) string { return age(time.Now().Add(-time.Duration(n) * time.Second)) }
