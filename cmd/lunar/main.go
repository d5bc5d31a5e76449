// Lunar serves files, block devices and zvols to iSCSI initiators, and looks after them.
//
// Every verb but serve and those of vmfs asks a running daemon over its socket. One noun a file:
//
//	main.go root.go            start, the tree of commands, exit codes
//	ui.go size.go              what verbs print, and how lengths are written
//	serve.go demo.go           the daemon
//	lu.go target.go tpg.go initiator.go discovery.go session.go config.go token.go   the nouns
//	vmfs.go vmfs_*.go             VMFS volumes, which it opens itself, a verb a file
//	status.go version.go man.go
//	comstar.go comstar_*.go       COMSTAR's own commands, each by its name
//	doctor.go doctor_tables.go    what initiators asked for and got
//	send.go send_report.go endpoint.go   snapshots to other volumes and machines; receive.go receive_host.go is the other end
//	job.go job_*.go            replication jobs
//	key.go                     what this site proves itself with
//	stream.go stream_*.go         ZFS send streams, a verb a file; progress.go shows how far one is read
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // for zones of jobs, where the system knows none
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := run(ctx, world{
		name:   os.Args[0],
		args:   os.Args[1:],
		stdin:  os.Stdin,
		stdout: os.Stdout,
		stderr: os.Stderr,
		getenv: os.Getenv,
	})
	stop()
	os.Exit(code)
}
