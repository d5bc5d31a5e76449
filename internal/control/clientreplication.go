package control

import (
	"context"
	"net/url"

	"github.com/lunarsan/lunar/stream/job"
)

// The client's side of peers, sites and disaster recovery.

func (c *Client) PeerID(ctx context.Context) (PeerIdentity, error) {
	return ask[PeerIdentity](ctx, c, "GET", "/v1/peer-id", nil)
}

func (c *Client) Peers(ctx context.Context) ([]PeerInfo, error) {
	return ask[[]PeerInfo](ctx, c, "GET", "/v1/peers", nil)
}

func (c *Client) Peer(ctx context.Context, name string) (PeerInfo, error) {
	return ask[PeerInfo](ctx, c, "GET", peerPath(name), nil)
}

func (c *Client) CreatePeer(ctx context.Context, r PeerCreate) (PeerInfo, error) {
	return ask[PeerInfo](ctx, c, "POST", "/v1/peers", r)
}

func (c *Client) ModifyPeer(ctx context.Context, name string, r PeerModify) (PeerInfo, error) {
	return ask[PeerInfo](ctx, c, "PATCH", peerPath(name), r)
}

func (c *Client) DeletePeer(ctx context.Context, name string) (PeerInfo, error) {
	return ask[PeerInfo](ctx, c, "DELETE", peerPath(name), nil)
}

func (c *Client) Jobs(ctx context.Context) ([]job.Status, error) {
	return ask[[]job.Status](ctx, c, "GET", "/v1/jobs", nil)
}

func (c *Client) Job(ctx context.Context, name string) (job.Status, error) {
	return ask[job.Status](ctx, c, "GET", jobPath(name), nil)
}

func (c *Client) CreateJob(ctx context.Context, j job.Job) (job.Status, error) {
	return ask[job.Status](ctx, c, "POST", "/v1/jobs", j)
}

func (c *Client) ReplaceJob(ctx context.Context, name string, j job.Job) (job.Status, error) {
	return ask[job.Status](ctx, c, "PUT", jobPath(name), j)
}

func (c *Client) DeleteJob(ctx context.Context, name string, q JobDelete) (job.Status, error) {
	return ask[job.Status](ctx, c, "DELETE", jobPath(name), q)
}

func (c *Client) PlanJob(ctx context.Context, name string, q job.Ask) ([]job.VolumePlan, error) {
	return ask[[]job.VolumePlan](ctx, c, "POST", jobPath(name)+"/plan", q)
}

func (c *Client) PruneJob(ctx context.Context, name string, q JobPrune) (PrunedJob, error) {
	return ask[PrunedJob](ctx, c, "POST", jobPath(name)+"/prune", q)
}

func (c *Client) ExplainJob(ctx context.Context, name string) (JobExplained, error) {
	return ask[JobExplained](ctx, c, "GET", jobPath(name)+"/explain", nil)
}

func (c *Client) CheckJob(ctx context.Context, name string) ([]job.Finding, error) {
	return ask[[]job.Finding](ctx, c, "GET", jobPath(name)+"/check", nil)
}

func (c *Client) VerifyJob(ctx context.Context, name string) ([]job.Verified, error) {
	return ask[[]job.Verified](ctx, c, "POST", jobPath(name)+"/verify", nil)
}

func (c *Client) RunJob(ctx context.Context, name string, q job.Ask) (JobStarted, error) {
	return ask[JobStarted](ctx, c, "POST", jobPath(name)+"/run", q)
}

func (c *Client) PauseJob(ctx context.Context, name string) (job.Status, error) {
	return ask[job.Status](ctx, c, "POST", jobPath(name)+"/pause", nil)
}

func (c *Client) ResumeJob(ctx context.Context, name string) (job.Status, error) {
	return ask[job.Status](ctx, c, "POST", jobPath(name)+"/resume", nil)
}

func (c *Client) CancelJob(ctx context.Context, name string) (job.Status, error) {
	return ask[job.Status](ctx, c, "POST", jobPath(name)+"/cancel", nil)
}

func (c *Client) JobHistory(ctx context.Context, name string) ([]job.Run, error) {
	return ask[[]job.Run](ctx, c, "GET", jobPath(name)+"/history", nil)
}

func (c *Client) Sites(ctx context.Context) ([]SiteInfo, error) {
	return ask[[]SiteInfo](ctx, c, "GET", "/v1/sites", nil)
}

func (c *Client) Site(ctx context.Context, name string) (SiteInfo, error) {
	return ask[SiteInfo](ctx, c, "GET", sitePath(name), nil)
}

func (c *Client) ShowSite(ctx context.Context, name string, r SiteShow) (SiteDocument, error) {
	return ask[SiteDocument](ctx, c, "POST", sitePath(name)+"/document", r)
}

func (c *Client) DiffSite(ctx context.Context, name string) (ConfigPlan, error) {
	return ask[ConfigPlan](ctx, c, "GET", sitePath(name)+"/diff", nil)
}

func (c *Client) ModifySite(ctx context.Context, name string, r SiteModify) (SiteInfo, error) {
	return ask[SiteInfo](ctx, c, "PATCH", sitePath(name), r)
}

func (c *Client) DeleteSite(ctx context.Context, name string) (SiteInfo, error) {
	return ask[SiteInfo](ctx, c, "DELETE", sitePath(name), nil)
}

func (c *Client) DRs(ctx context.Context) ([]DRInfo, error) {
	return ask[[]DRInfo](ctx, c, "GET", "/v1/dr", nil)
}

func (c *Client) DR(ctx context.Context, name string) (DRInfo, error) {
	return ask[DRInfo](ctx, c, "GET", drPath(name), nil)
}

func (c *Client) TestDR(ctx context.Context, r DRTest) (DRInfo, error) {
	return ask[DRInfo](ctx, c, "POST", "/v1/dr/test", r)
}

func (c *Client) EndDR(ctx context.Context, name string, r DREnd) (DRInfo, error) {
	return ask[DRInfo](ctx, c, "POST", drPath(name)+"/end", r)
}

func (c *Client) FailoverDR(ctx context.Context, r DRFailover) (DRInfo, error) {
	return ask[DRInfo](ctx, c, "POST", "/v1/dr/failover", r)
}

func (c *Client) FailbackDR(ctx context.Context, r DRFailback) (DRInfo, error) {
	return ask[DRInfo](ctx, c, "POST", "/v1/dr/failback", r)
}

func (c *Client) ReclaimDR(ctx context.Context, job string) (DRInfo, error) {
	return ask[DRInfo](ctx, c, "POST", drPath(job)+"/reclaim", nil)
}

func jobPath(name string) string  { return "/v1/jobs/" + url.PathEscape(name) }
func peerPath(name string) string { return "/v1/peers/" + url.PathEscape(name) }
func sitePath(name string) string { return "/v1/sites/" + url.PathEscape(name) }
func drPath(name string) string   { return "/v1/dr/" + url.PathEscape(name) }
