// Package control is the daemon: it keeps the state, wires units, targets and listeners
// together, and answers the API that the command line speaks. It is the only package that
// imports all the others.
//
// # The life of a daemon
//
//	Open    lock and read the state; make the groups, the units (a store that is missing leaves its
//	        unit offline) and their views, the initiators, the targets, the portal groups
//	Run     listen for initiators and for the API, say READY to the service manager, and
//	        serve until the context ends
//	drain   close the listeners, log the sessions out, detach the units, close the state
//
// # A change
//
// Every change comes over the API and runs alone, under Daemon.change. What is new is applied
// to the running device first, which may refuse it, and then saved; what goes is taken out of
// the state first and then out of the device. Only then is the command answered, so that an
// answered change survives a crash and a crash leaves the old state or the new.
//
// # Locks, from the outside in
//
//	Daemon.change   one change at a time; held across state and store I/O
//	target.Device   its change of target port groups; held across state I/O, and taken alone
//	                by an initiator that changes them
//	Daemon.binding  one portal is bound at a time
//	Daemon.mu       what exists now; short, never across I/O
//
// # Reading order
//
//	state.go bolt.go record.go   what is kept, and how
//	vault.go                     and the secrets in it
//	daemon.go                    start, run, drain
//	units.go unitstore.go        units, and how their stores are opened
//	unitcreate.go unitimport.go hostpart.go unitchange.go unitidentity.go unitonline.go
//	unitdelete.go inuse.go faults.go
//	capacity.go capacity_zfs.go  how full the pools of thin units are
//	reservations.go              what initiators rely on after a loss of power
//	sanitize.go                  what a unit is being sanitized with
//	carry.go                     what a daemon leaves to the next one
//	views.go membergroups.go     who sees which unit, and where
//	targets.go targetmodify.go targetrename.go initiators.go discovery.go networks.go   who may log in
//	portals.go portalmodify.go portallist.go address.go listen.go portalshare.go keeper.go   where
//	access.go                    what the paths are like: target port groups and ports
//	isns.go                      the server where initiators look for targets
//	radius.go                    the servers that know initiators' secrets
//	alarmsettings.go alarmwatch.go alarmsend.go alarmmail.go   who is told of alarms, and when
//	sessions.go load.go          who is there, and what they do
//	peers.go peerrights.go replication.go   other daemons: who they are, and what they may do here
//	volumes.go take.go           what they do it to; a snapshot of several in one instant
//	jobs.go jobrun.go jobexplain.go jobcounts.go   what is replicated to them, when and why
//	snapshots.go snapshotclone.go   the snapshots of units, and units on clones of them
//	sites.go siteconfig.go siterewrite.go   what came along of their configurations
//	dr.go drtest.go drend.go     their units shown here, for a test
//	drpeer.go dryield.go drundertake.go drfailover.go drpast.go dradded.go drfailback.go   and because their site has failed, and back
//	configdocument.go configyaml.go   all of the configuration as a text; then, of a document:
//	configrecords.go configmerge.go configplan.go   what it is to become, and what that means
//	configviews.go configapply.go configunits.go configaccess.go   doing it, whole or not at all
//	configimport.go              a document of what COMSTAR left
//	history.go historyauthor.go historyrollback.go   who changed it, and the way back
//	api.go serve.go problem.go   the API: routes, HTTP, errors
//	openapi.go                   the API's description, for programs
//	remote.go token.go certificate.go   the API over HTTPS
//	messages.go configmessages.go peermessages.go jobmessages.go sitemessages.go
//	drmessages.go client.go clientreplication.go clientremote.go   what travels, and the other end
//	status.go metrics.go metricsjobs.go   looking at it
//	diagnosis.go doctor.go       what initiators asked for and got; then one side of it a file:
//	doctor_family.go doctor_general.go doctor_paths.go doctor_units.go doctor_offload.go
//	doctor_trouble.go
//	notify.go retry.go memory.go secret.go
package control
