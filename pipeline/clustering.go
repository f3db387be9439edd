package pipeline

import (
	"context"

	"github.com/dermatrend/dermatrend/pipeline/cluster"
	"github.com/dermatrend/dermatrend/pipeline/study"
)

// ClusterErased counts what was removed from a cluster.
type ClusterErased = cluster.Erased

// ClusterStatus tells what became of one batch and which of its series failed, or with
// an empty name what became of all.
func ClusterStatus(ctx context.Context, where ClusterOptions, batch string) (all []cluster.Status, failures []cluster.Attempt, err error) {
	err = inCluster(ctx, where, func(c *cluster.Cluster) error {
		if batch != "" {
			if _, err := c.Batch(ctx, batch); err != nil {
				return err
			}
			if failures, err = c.Failures(ctx, batch); err != nil {
				return err
			}
		}
		all, err = c.Status(ctx, batch)
		return err
	})
	return all, failures, err
}

// RetryInCluster queues the series of a batch that were given up once more, and tells
// how many.
func RetryInCluster(ctx context.Context, where ClusterOptions, batch string) (n int, err error) {
	err = inCluster(ctx, where, func(c *cluster.Cluster) error {
		n, err = c.Retry(ctx, batch)
		return err
	})
	return n, err
}

// EraseFromCluster removes a person from all batches of a study: tasks, results, and the photos
// and pictures in the store that are nobody else's. It does not reach backups; see
// [cluster.Cluster.Erase].
func EraseFromCluster(ctx context.Context, where ClusterOptions, st *study.Study, subject string) (e ClusterErased, err error) {
	err = inCluster(ctx, where, func(c *cluster.Cluster) error {
		e, err = c.Erase(ctx, st.Name, subject)
		return err
	})
	return e, err
}

func inCluster(ctx context.Context, where ClusterOptions, do func(*cluster.Cluster) error) error {
	c, err := cluster.Open(ctx, where)
	if err != nil {
		return refused(err)
	}
	defer c.Close()
	return refused(do(c))
}
