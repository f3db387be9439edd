//go:build bench

package cluster

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/dermatrend/dermatrend/pipeline/cluster/clustertest"
)

func bench(what, figure, target string, met bool) {
	fmt.Printf("BENCH|%s|%s|%s|%v\n", what, figure, target, met)
}

// 1,000 tasks over three worker processes, of which one is killed at a third and one
// frozen and revived; the database loses its power and the store is gone for ten
// seconds.
func TestThousandTasksUnderAttack(t *testing.T) {
	db, s3 := clustertest.StartPostgres(t), clustertest.StartS3(t)
	began := time.Now()
	attack(t, db, s3, open(t, db.URL, s3.URL), 1000, 10*time.Second)
	bench("cluster: 1,000 series, a worker killed, one frozen, database and store away: each result exactly once",
		fmt.Sprintf("%v, %.0f s", !t.Failed(), time.Since(began).Seconds()), "1,000 of 1,000", !t.Failed())
}

// The queue alone: tasks that do nothing, three worker processes, a store of files.
func TestThroughput(t *testing.T) {
	db := clustertest.StartPostgres(t)
	store := "file://" + t.TempDir()
	c := open(t, db.URL, store)
	const n = 4000
	began := time.Now()
	submit(t, c, "b1", "v1", n, func(int) order { return order{Do: "nothing"} })
	bench("cluster: series submitted a second, one after the other", fmt.Sprintf("%.0f", n/time.Since(began).Seconds()), ">= 200", n/time.Since(began).Seconds() >= 200)
	began = time.Now()
	for range 3 {
		start(t, spec{DB: db.URL, Store: store, Program: "v1", Jobs: 16, Rescue: time.Minute, Wait: time.Second, Log: filepath.Join(t.TempDir(), "begun")})
	}
	for range 240 { // asking takes time, too
		if status(t, c, "b1").Done == n {
			break
		}
		time.Sleep(time.Second / 2)
	}
	rate := n / time.Since(began).Seconds()
	bench("cluster: series through the queue a second, workers that do nothing", fmt.Sprintf("%.0f", rate), ">= 200", rate >= 200)
}
