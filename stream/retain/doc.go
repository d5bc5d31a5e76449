// Package retain says which snapshots a rule keeps, and why. It touches nothing: it is given names
// and times, and answers with a verdict each.
//
// Reading order:
//
//	rule.go     what a rule promises, and how people write one: hourly=24,daily=30,within=7d
//	span.go     lengths of time as people write them
//	period.go   hours, days, weeks, months and years by the calendar of a time zone
//	plan.go     the decision: keep or drop
//	verdict.go  the decision in words
//
// A rule counts the periods that have snapshots, newest first, and keeps the oldest snapshot of
// each. The oldest is so from the moment it is made, and a snapshot that is the first of its month
// is the first of its day and hour, too: nothing that a longer period will want is ever dropped by
// a shorter one, so pruning every hour leaves what pruning once a year would. The first snapshot
// of a day is the day's, and the day's other ones go when their hours have passed.
package retain
