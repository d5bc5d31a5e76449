// Package job has snapshots taken on schedules, sent to where they should be, and kept by rule.
//
// Reading order:
//
//	job.go      what a job says
//	check.go    what is wrong with one
//	cron.go     when it is due
//	name.go     what its snapshots are called
//	end.go      what the runner needs: machines with volumes, and a journal
//	state.go    what is remembered: runs, and the newest replicas
//	runner.go   all jobs: set, remove, run, pause
//	worker.go   one job: when a run begins, and how it ends
//	take.go     the snapshots of a run; hook.go the commands around them
//	work.go     what a run does for each volume: send, then prune
//	decide.go   which snapshots stay, and why
//	need.go     what jobs need of the volumes that they send
//	status.go   how a job is: next run, lag, progress
//	move.go     what a job leaves where it does not come any more
//	visit.go    what is done at somebody's asking: plan, prune, forget
//	look.go     what would make a run fail, and whether replicas are what they should be
//	explain.go  why each snapshot is where it is
//
// The parser of schedules is our own: the one that most programs use leaves out what is due in an
// hour that clocks are put on over, and no backup may be left out for that.
package job
