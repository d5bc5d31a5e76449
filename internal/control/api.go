package control

import (
	"context"
	"net/http"
	"reflect"
	"time"
)

// A route is one thing that the API does. Paths name one object in braces at most.
type route struct {
	method string
	path   string
	doc    string
	endpoint
}

// routes is the whole API, but for /metrics, /debug/pprof/ and openAPIPath. Nothing changes through GET.
var routes = [...]route{
	{"GET", "/v1/status", "how the daemon is", get((*Daemon).Status)},

	{"GET", "/v1/statistics", "what units and sessions have done", get((*Daemon).Statistics)},
	{"GET", "/v1/doctor", "what initiators asked for and got", get((*Daemon).Doctor)},

	{"GET", "/v1/units", "the units", get((*Daemon).Units)},
	{"POST", "/v1/units", "make a unit", post((*Daemon).CreateUnit)},
	{"POST", "/v1/units/import", "make a unit on a store that COMSTAR served", post((*Daemon).ImportUnit)},
	{"GET", "/v1/units/{name}", "one unit", getOne((*Daemon).Unit)},
	{"PATCH", "/v1/units/{name}", "change a unit", postOne((*Daemon).ModifyUnit)},
	{"DELETE", "/v1/units/{name}", "end a unit", postOne((*Daemon).DeleteUnit)},
	{"POST", "/v1/units/{name}/resize", "change a unit's capacity", postOne((*Daemon).ResizeUnit)},
	{"POST", "/v1/units/{name}/online", "open a unit's store afresh", actOne((*Daemon).OnlineUnit)},
	{"POST", "/v1/units/{name}/offline", "take a unit offline", postOne((*Daemon).OfflineUnit)},
	{"POST", "/v1/units/{name}/retire", "show a unit no more", postOne((*Daemon).RetireUnit)},
	{"GET", "/v1/units/{name}/snapshots", "the snapshots of a unit", getOne((*Daemon).Snapshots)},
	{"POST", "/v1/units/{name}/snapshots", "make a snapshot of a unit, and of others at the same instant", postOne((*Daemon).TakeSnapshot)},
	{"DELETE", "/v1/snapshots/{name}", "end a snapshot, named GUID@SNAPSHOT", postOne((*Daemon).DeleteSnapshot)},
	{"POST", "/v1/snapshots/{name}/clone", "make a unit on a clone of a snapshot", postOne((*Daemon).CloneSnapshot)},
	{"POST", "/v1/snapshots/{name}/rollback", "make a unit, which is offline, what it was at a snapshot", postOne((*Daemon).RollbackUnit)},

	{"GET", "/v1/targets", "the targets", get((*Daemon).Targets)},
	{"POST", "/v1/targets", "make a target", post((*Daemon).CreateTarget)},
	{"PATCH", "/v1/targets/{name}", "change a target", postOne((*Daemon).ModifyTarget)},
	{"DELETE", "/v1/targets/{name}", "end a target", postOne((*Daemon).DeleteTarget)},
	{"POST", "/v1/targets/{name}/online", "let initiators log in", actOne((*Daemon).OnlineTarget)},
	{"POST", "/v1/targets/{name}/offline", "close a target", actOne((*Daemon).OfflineTarget)},

	{"GET", "/v1/portal-groups", "the portal groups", get((*Daemon).Groups)},
	{"POST", "/v1/portal-groups", "make a portal group", post((*Daemon).CreateGroup)},
	{"PATCH", "/v1/portal-groups/{name}", "change what a portal group tells", postOne((*Daemon).ModifyGroup)},
	{"POST", "/v1/portal-groups/{name}/portals", "make a portal group listen on other addresses", postOne((*Daemon).ModifyPortals)},
	{"DELETE", "/v1/portal-groups/{name}", "end a portal group", postOne((*Daemon).DeleteGroup)},

	{"GET", "/v1/initiators", "the known initiators", get((*Daemon).Initiators)},
	{"POST", "/v1/initiators", "make an initiator known", post((*Daemon).CreateInitiator)},
	{"PATCH", "/v1/initiators/{name}", "change an initiator", postOne((*Daemon).ModifyInitiator)},
	{"DELETE", "/v1/initiators/{name}", "forget an initiator", actOne((*Daemon).DeleteInitiator)},

	{"GET", "/v1/host-groups", "the host groups", get(memberGroups(HostGroups))},
	{"POST", "/v1/host-groups", "make a host group", post(createMemberGroup(HostGroups))},
	{"GET", "/v1/host-groups/{name}", "one host group", getOne(memberGroup(HostGroups))},
	{"PATCH", "/v1/host-groups/{name}", "change a host group's credential", postOne((*Daemon).ModifyHostGroup)},
	{"DELETE", "/v1/host-groups/{name}", "end a host group", actOne(deleteMemberGroup(HostGroups))},
	{"POST", "/v1/host-groups/{name}/add", "put initiators into a host group", postOne(addMembers(HostGroups))},
	{"POST", "/v1/host-groups/{name}/remove", "take initiators out of a host group", postOne(removeMembers(HostGroups))},

	{"GET", "/v1/target-groups", "the target groups", get(memberGroups(TargetGroups))},
	{"POST", "/v1/target-groups", "make a target group", post(createMemberGroup(TargetGroups))},
	{"GET", "/v1/target-groups/{name}", "one target group", getOne(memberGroup(TargetGroups))},
	{"DELETE", "/v1/target-groups/{name}", "end a target group", actOne(deleteMemberGroup(TargetGroups))},
	{"POST", "/v1/target-groups/{name}/add", "put targets into a target group", postOne(addMembers(TargetGroups))},
	{"POST", "/v1/target-groups/{name}/remove", "take targets out of a target group", postOne(removeMembers(TargetGroups))},

	{"GET", "/v1/views", "all views", get((*Daemon).Views)},
	{"POST", "/v1/views", "show a unit to initiators", post((*Daemon).AddView)},
	{"DELETE", "/v1/views/{name}", "end a view, named GUID:ENTRY", actOne((*Daemon).RemoveView)},
	{"GET", "/v1/units/{name}/views", "the views of a unit", getOne((*Daemon).UnitViews)},

	{"GET", "/v1/discovery", "what discovery asks", get((*Daemon).Discovery)},
	{"PATCH", "/v1/discovery", "change what discovery asks", post((*Daemon).ModifyDiscovery)},

	{"GET", "/v1/tokens", "the tokens of the remote API", get((*Daemon).Tokens)},
	{"POST", "/v1/tokens", "make a token", post((*Daemon).CreateToken)},
	{"DELETE", "/v1/tokens/{name}", "end a token", actOne((*Daemon).RevokeToken)},

	{"POST", "/v1/config/export", "the configuration as a document", post((*Daemon).ExportConfig)},
	{"POST", "/v1/config/import", "add what another system's export describes", post((*Daemon).ImportConfig)},
	{"GET", "/v1/config/history", "the changes of the configuration", get((*Daemon).ConfigHistory)},
	{"POST", "/v1/config/history/{name}/rollback", "make the configuration what it was after a change", postOne((*Daemon).RollbackConfig)},
	{"POST", "/v1/config/apply", "make the configuration that of a document", post((*Daemon).ApplyConfig)},

	{"GET", "/v1/isns", "where targets are registered", get((*Daemon).ISNS)},
	{"PATCH", "/v1/isns", "change where targets are registered", post((*Daemon).ModifyISNS)},

	{"GET", "/v1/radius", "who is asked about CHAP responses", get((*Daemon).RADIUS)},
	{"PATCH", "/v1/radius", "change who is asked about CHAP responses", post((*Daemon).ModifyRADIUS)},

	{"GET", "/v1/alarms", "what is wrong, and how that is told", get((*Daemon).Alarms)},
	{"PATCH", "/v1/alarms/{name}", "have alarms told by command, webhook or mail", postOne((*Daemon).SetAlarm)},
	{"DELETE", "/v1/alarms/{name}", "tell alarms in a way no more", actOne((*Daemon).RemoveAlarm)},
	{"POST", "/v1/alarms/{name}/test", "tell of an alarm that is none", actOne((*Daemon).TestAlarm)},

	{"GET", "/v1/peer-id", "what this daemon proves itself with to peers", get((*Daemon).PeerID)},
	{"GET", "/v1/peers", "the peers", get((*Daemon).Peers)},
	{"POST", "/v1/peers", "make a peer known", post((*Daemon).CreatePeer)},
	{"GET", "/v1/peers/{name}", "one peer", getOne((*Daemon).Peer)},
	{"PATCH", "/v1/peers/{name}", "change a peer", postOne((*Daemon).ModifyPeer)},
	{"DELETE", "/v1/peers/{name}", "forget a peer", actOne((*Daemon).DeletePeer)},

	{"GET", "/v1/jobs", "how the jobs are", get((*Daemon).Jobs)},
	{"POST", "/v1/jobs", "make a job", post((*Daemon).CreateJob)},
	{"GET", "/v1/jobs/{name}", "how one job is", getOne((*Daemon).Job)},
	{"PUT", "/v1/jobs/{name}", "make a job another", postOne((*Daemon).ReplaceJob)},
	{"DELETE", "/v1/jobs/{name}", "end a job", long(postOne((*Daemon).DeleteJob))},
	{"POST", "/v1/jobs/{name}/run", "begin a run", postOne((*Daemon).RunJob)},
	{"POST", "/v1/jobs/{name}/pause", "heed a job's schedules no more", actOne((*Daemon).PauseJob)},
	{"POST", "/v1/jobs/{name}/resume", "heed them again", actOne((*Daemon).ResumeJob)},
	{"POST", "/v1/jobs/{name}/cancel", "end the run that is under way", actOne((*Daemon).CancelJob)},
	{"POST", "/v1/jobs/{name}/plan", "what a run would do", long(postOne((*Daemon).PlanJob))},
	{"POST", "/v1/jobs/{name}/prune", "end the snapshots that a job's rules do not keep", long(postOne((*Daemon).PruneJob))},
	{"GET", "/v1/jobs/{name}/explain", "why snapshots are where they are", long(getOne((*Daemon).ExplainJob))},
	{"GET", "/v1/jobs/{name}/check", "what would make a run fail", long(getOne((*Daemon).CheckJob))},
	{"POST", "/v1/jobs/{name}/verify", "compare a job's volumes with their replicas", long(actOne((*Daemon).VerifyJob))},
	{"GET", "/v1/jobs/{name}/history", "the runs of a job", getOne((*Daemon).JobHistory)},

	{"GET", "/v1/sites", "what jobs have carried here of other sites' configurations", get((*Daemon).Sites)},
	{"GET", "/v1/sites/{name}", "what one job has carried here", getOne((*Daemon).Site)},
	{"PATCH", "/v1/sites/{name}", "change what is rewritten of a site", postOne((*Daemon).ModifySite)},
	{"DELETE", "/v1/sites/{name}", "forget a site's configuration", actOne((*Daemon).DeleteSite)},
	{"POST", "/v1/sites/{name}/document", "a site's configuration as a document", postOne((*Daemon).ShowSite)},
	{"GET", "/v1/sites/{name}/diff", "what a failover would change here", getOne((*Daemon).DiffSite)},

	{"GET", "/v1/dr", "the DR tests and failovers", get((*Daemon).DRs)},
	{"POST", "/v1/dr/test", "show replicas to hosts, on clones", long(post((*Daemon).TestDR))},
	{"POST", "/v1/dr/failover", "put replicas in the place of the originals", post((*Daemon).FailoverDR)},
	{"POST", "/v1/dr/failback", "give back what was taken over", post((*Daemon).FailbackDR)},
	{"GET", "/v1/dr/{name}", "one DR test or failover", getOne((*Daemon).DR)},
	{"POST", "/v1/dr/{name}/end", "throw a DR test away", long(postOne((*Daemon).EndDR))},
	{"POST", "/v1/dr/{name}/reclaim", "take back what another site has taken over", actOne((*Daemon).ReclaimDR)},

	{"GET", "/v1/sessions", "the sessions", get((*Daemon).Sessions)},
	{"GET", "/v1/sessions/{name}", "one session", getOne((*Daemon).Session)},
	{"DELETE", "/v1/sessions/{name}", "close a session", actOne((*Daemon).CloseSession)},
}

// An endpoint is what serves a route, and what travels.
type endpoint struct {
	serve       func(*Daemon) http.HandlerFunc
	ask, answer reflect.Type // ask nil: nothing is said
}

// long lets an endpoint take as long as it takes: it ends when the client does not wait any more.
func long(e endpoint) endpoint {
	serve := e.serve
	e.serve = func(d *Daemon) http.HandlerFunc {
		next := serve(d)
		return func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // else it has the time of others
			next(w, r)
		}
	}
	return e
}

// get serves a question.
func get[A any](f func(*Daemon, context.Context) (A, error)) endpoint {
	return getOne(func(d *Daemon, ctx context.Context, _ string) (A, error) { return f(d, ctx) })
}

// getOne serves a question about one object; actOne a change that needs no words.
func getOne[A any](f func(*Daemon, context.Context, string) (A, error)) endpoint {
	return endpoint{func(d *Daemon) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			a, err := f(d, r.Context(), r.PathValue("name"))
			answer(w, a, err)
		}
	}, nil, reflect.TypeFor[A]()}
}

func actOne[A any](f func(*Daemon, context.Context, string) (A, error)) endpoint {
	e := postOne(func(d *Daemon, ctx context.Context, name string, _ struct{}) (A, error) { return f(d, ctx, name) })
	e.ask = nil
	return e
}

// post serves a change.
func post[Q, A any](f func(*Daemon, context.Context, Q) (A, error)) endpoint {
	return postOne(func(d *Daemon, ctx context.Context, _ string, q Q) (A, error) { return f(d, ctx, q) })
}

// postOne serves a change of one object.
func postOne[Q, A any](f func(*Daemon, context.Context, string, Q) (A, error)) endpoint {
	return endpoint{func(d *Daemon) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			var q Q
			if err := decode(w, r, &q); err != nil {
				answer(w, nil, err)
				return
			}
			a, err := f(d, r.Context(), r.PathValue("name"), q)
			answer(w, a, err)
		}
	}, reflect.TypeFor[Q](), reflect.TypeFor[A]()}
}
