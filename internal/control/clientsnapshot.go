package control

import (
	"context"
	"net/url"

	"github.com/lunarsan/lunar/stream"
)

// The client's side of snapshots.

func (c *Client) Snapshots(ctx context.Context, unit string) ([]stream.Snapshot, error) {
	return ask[[]stream.Snapshot](ctx, c, "GET", unitPath(unit)+"/snapshots", nil)
}

func (c *Client) TakeSnapshot(ctx context.Context, unit string, r SnapshotTake) (SnapshotsTaken, error) {
	return ask[SnapshotsTaken](ctx, c, "POST", unitPath(unit)+"/snapshots", r)
}

func (c *Client) CloneSnapshot(ctx context.Context, name string, r SnapshotClone) (UnitInfo, error) {
	return ask[UnitInfo](ctx, c, "POST", snapshotPath(name)+"/clone", r)
}

func (c *Client) RollbackUnit(ctx context.Context, name string, r SnapshotRollback) (SnapshotRolledBack, error) {
	return ask[SnapshotRolledBack](ctx, c, "POST", snapshotPath(name)+"/rollback", r)
}

func (c *Client) DeleteSnapshot(ctx context.Context, name string, r SnapshotDelete) (stream.Snapshot, error) {
	return ask[stream.Snapshot](ctx, c, "DELETE", snapshotPath(name), r)
}

func snapshotPath(name string) string { return "/v1/snapshots/" + url.PathEscape(name) }
