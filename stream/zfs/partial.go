package zfs

import (
	"context"
	"errors"
	"fmt"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/dmu"
)

// Partial reads the property receive_resume_token.
func (v *Volume) Partial(ctx context.Context) (*stream.Partial, error) {
	value, err := v.properties(ctx, v.dataset, "receive_resume_token")
	if errors.Is(err, stream.ErrNoVolume) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	text := value[0]
	if text == "-" {
		return nil, nil
	}
	token, err := dmu.ParseToken(text)
	if err != nil {
		return nil, fmt.Errorf("%s: its property receive_resume_token: %w", v.dataset, err)
	}
	return &stream.Partial{GUID: token.ToGUID, From: token.FromGUID, Name: token.ToName, Bytes: int64(token.Bytes), Token: text}, nil
}

// Abandon throws away what Partial tells of. Where it would have been the first snapshot, the
// dataset goes with it.
func (v *Volume) Abandon(ctx context.Context) error {
	p, err := v.Partial(ctx)
	if err != nil || p == nil {
		return err
	}
	return v.zfs(ctx, "receive", "-A", v.dataset)
}
