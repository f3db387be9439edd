// Package cluster spreads tasks over machines: it is handed a function and knows bytes,
// keys and jobs, not photos. It schedules nothing itself. Jobs are River's on
// PostgreSQL; what goes in and what comes out lies in an object store through gocloud.dev
// (S3, or a folder that all machines share).
//
// # What is where
//
// The database has batches, whose data it is (owners), tasks, one small result for each
// task, and River's jobs, which name a task by batch and number and nothing else. The
// store has objects (photos) and archives (pictures and rows), each under the SHA-256 of
// its content: writing one twice changes nothing, and a damaged one is noticed when it
// is read. Photos lie on a worker's disk only while their task is worked on, in a folder
// of mode 0700.
//
// # Each result exactly once
//
// A task may be worked on more than once: a machine dies, or freezes and wakes up. The
// row of the result and the completion of the job are one transaction, and the primary
// key is batch and number. So the second one to finish changes nothing. Archives are
// uploaded before, by content, after a row has said that one will be: erasing finds it
// even if the machine died in between.
//
// # What fails
//
// River has no heartbeat. The task of a machine that died is given to another one when
// its limit has passed (and [WorkOptions.Rescue]); the limit grows with the photos. A
// task whose process dies ([Died]) is tried on another machine once more, then given up
// with the reason; [Cluster.Retry] queues it again. A store that does not answer is
// waited for and costs no attempt. A database that stops is waited for, too; what had
// not been committed is done again. A worker that is told to end gives back what it
// cannot finish in its grace.
//
// # Versions
//
// Jobs wait in a queue of the program that submitted them, named by version, hash of
// the executable and OpenCV. Another program never takes them, refuses to start if
// nothing else is waiting, and does not collect. So submit, work and collect with one
// image. Tables of the database carry a number of their own; an older program refuses
// newer tables.
//
// # Privacy
//
// Connections to other machines need TLS. Credentials come from the environment or from
// PostgreSQL's and AWS's own files; no error and no log repeats an address. Logs have
// batch and number, never names, files or reasons; those are in the tables, where
// [Cluster.Erase] finds them. Erasing does not reach backups of the database, its write
// ahead log, and versions that a store keeps of deleted objects: bound their retention.
// Encryption at rest is the business of the store (ssetype, kmskeyid) and of the disks.
//
// # A hundred million photos, on paper
//
// What a plan rests on, per series of five photos of 12 megapixels (4 MB each): 20 s of
// processor time, 1 GiB of memory, 20 MB in, 5 MB of archive out (measured: half a
// megabyte a photo of 900 pixels in width; assumed twice that, since detail compresses
// worse). With workers that do nothing, 190 series a second went through one PostgreSQL
// that shared two cores with them and with other work, the store on the same disk; 60
// with a load of 35 beside it. 10^8 photos are 2*10^7 series.
//
//   - Workers: 2*10^7 * 20 s = 4*10^8 core seconds = 111,000 core hours. In 30 days with
//     nine tenths of the time used that is 172 cores with 172 GiB, for instance 22
//     machines of 8 cores; in 3 days, 1,720 cores. At 0.04 a core hour (on demand; about
//     a third of that interrupted at will, which costs the tasks at hand only), in
//     whatever currency: 4,400.
//   - Store: 2*10^7 * 20 MB = 400 TB of photos and 100 TB of archives, 500 TB; at 0.023
//     a GB and month 11,500 a month. This, not computing, is the money: keep photos
//     where they are already, collect and delete batches (a month of archives is 2,300),
//     put photos into a class for rare reading. Requests: 10^8 uploads, 10^8 downloads and
//     2*10^7 archives, about 650. Traffic: 400 TB in 30 days are 155 MB a second, 1.2
//     Gbit/s over all workers; workers must be in the region of the store, since 500 TB
//     out of it would cost ten times the computing.
//   - Database: a series takes an estimated 5 to 10 KB (payload 2 to 5, job 0.5, owner 2, indices), so
//     100 to 200 GB for all, and 8 commits a second for 30 days (77 in 3 days): one
//     server of 4 cores and 16 GB, with a standby, about 400 a month. Connections: two
//     for each series at a time and six for each worker, 500 for 22 machines: within
//     reach of PostgreSQL, and of no pooler that hands out connections by transaction,
//     since River listens.
//
// The first bottleneck is the database, in this order. Connections come first, at some
// 100 machines: start fewer and larger workers. Then the jobs table: River's fetch
// slows down when millions wait or are kept, so submit in batches of at most 100,000
// series and the next when one is half done. Then commits, at about 200 series a second on
// modest hardware, that is 4,000 cores at 20 s a series. Collecting comes before all that:
// one folder takes what one machine can write, perhaps 100 series a second (not measured).
//
// To shard, cut by owner: a study of n persons becomes k studies of n/k, each with a
// database of its own (or a schema's worth of batches) and an OUT of its own; nothing of
// a series depends on another person. Tables of several OUT are joined by appending,
// since every row names its person; cohort statistics need the tables only. The store
// needs no sharding: keys are hashes, which spread over its partitions.
package cluster
