//! Re-batching, shuffling and reading ahead.

use polyrank_data::stream::{Batches, Gather, Prefetch, Shuffle};
use polyrank_data::{Batch, DataError, Ids};
use proptest::prelude::*;

/// Rows whose every part follows from their number.
fn rows(numbers: impl IntoIterator<Item = u32>) -> Batch {
    let mut batch = Batch::default();
    let (mut one, mut offsets, mut many) = (Vec::new(), vec![0], Vec::new());
    for number in numbers {
        one.push(number);
        many.extend((0..number % 4).map(|item| 10 * number + item));
        offsets.push(many.len() as u32);
        batch.dense.extend([number as f32, -(number as f32)]);
        batch.labels.push(number as f32 / 2.0);
        batch.rows += 1;
    }
    batch.ids = vec![Ids::One(one), Ids::Many { offsets, ids: many }];
    batch
}

/// The numbers of the rows, after a check that every part moved along.
fn numbers(batch: &Batch) -> Vec<u32> {
    let Ids::One(numbers) = &batch.ids[0] else { panic!("slot 0 holds one id a row") };
    assert_eq!(*batch, rows(numbers.iter().copied()));
    numbers.clone()
}

/// All batches of rows 0 to `count` that come in chunks of these sizes, repeated.
fn run(count: u32, chunks: &[u32], batch_size: usize, shuffle: Option<Shuffle>) -> Vec<Vec<u32>> {
    let (mut source, mut at) = (Vec::new(), 0);
    for &chunk in chunks.iter().cycle() {
        if at == count {
            break;
        }
        let end = count.min(at + chunk);
        source.push(Ok(rows(at..end)));
        at = end;
    }
    Batches::new(source.into_iter(), batch_size, shuffle).map(|batch| numbers(&batch.expect("sound rows"))).collect()
}

#[test]
fn batches_have_the_size_asked_for() {
    assert_eq!(run(7, &[3], 2, None), [vec![0, 1], vec![2, 3], vec![4, 5], vec![6]]);
    assert_eq!(run(4, &[1], 100, None), [[0, 1, 2, 3]]);
    assert_eq!(run(0, &[1], 2, None), Vec::<Vec<u32>>::new());
    assert_eq!(run(2, &[2], 0, None), [[0], [1]]);
}

#[test]
fn epochs_and_seeds_differ_and_repeat() {
    let order = |seed, epoch| run(100, &[9], 100, Some(Shuffle { buffer_rows: 1000, seed, epoch })).concat();
    assert_eq!(order(1, 0), order(1, 0));
    assert_ne!(order(1, 0), order(1, 1));
    assert_ne!(order(1, 0), order(2, 0));
}

#[test]
fn a_buffer_that_holds_all_shuffles_uniformly() {
    let mut at_place = [[0u32; 5]; 5];
    for seed in 0..5000 {
        for (place, number) in
            run(5, &[2], 5, Some(Shuffle { buffer_rows: 5, seed, epoch: 0 })).concat().into_iter().enumerate()
        {
            at_place[place][number as usize] += 1;
        }
    }
    // 1000 expected, standard deviation 28.
    assert!(at_place.iter().flatten().all(|count| (860..1140).contains(count)), "{at_place:?}");
}

#[test]
fn a_small_buffer_moves_rows_as_far_as_it_can() {
    let order = run(1000, &[64], 32, Some(Shuffle { buffer_rows: 100, seed: 3, epoch: 0 })).concat();
    // A row cannot come before it was read.
    assert!(order.iter().enumerate().all(|(place, number)| *number as usize <= place + 100));
    assert!(order.iter().enumerate().any(|(place, number)| place > *number as usize + 100));
    assert!(order.windows(2).filter(|pair| pair[0] + 1 == pair[1]).count() < 40);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn shuffling_permutes_whatever_the_chunks(
        count in 0u32..300,
        chunks in prop::collection::vec(1u32..50, 1..5),
        batch_size in 1usize..80,
        buffer_rows in 0usize..400,
        seed in any::<u64>(),
        epoch in any::<u64>(),
    ) {
        let shuffle = Some(Shuffle { buffer_rows, seed, epoch });
        let batches = run(count, &chunks, batch_size, shuffle);
        prop_assert!(batches.iter().rev().skip(1).all(|batch| batch.len() == batch_size));
        prop_assert_eq!(&batches, &run(count, &[count.max(1)], batch_size, shuffle));
        let one_by_one = run(count, &chunks, 1, shuffle).concat();
        let mut all = batches.concat();
        prop_assert_eq!(&all, &one_by_one);
        all.sort_unstable();
        prop_assert_eq!(all, (0..count).collect::<Vec<_>>());
    }

    #[test]
    fn slices_make_up_the_whole(count in 0u32..40, cut in 0u32..40) {
        let (whole, cut) = (rows(0..count), cut.min(count) as usize);
        let parts = [whole.slice(0..cut).expect("within"), whole.slice(cut..count as usize).expect("within")];
        let joined = Batch::concat(&parts).expect("alike");
        prop_assert_eq!(joined.rows, count as usize);
        if count > 0 {
            prop_assert_eq!(joined, whole);
        }
    }
}

#[test]
fn errors_come_through_and_end_the_rows() {
    for shuffle in [None, Some(Shuffle { buffer_rows: 4, seed: 0, epoch: 0 })] {
        let source = vec![Ok(rows(0..3)), Err(DataError::Empty("no more".into())), Ok(rows(3..9))];
        let outcome: Vec<_> = Batches::new(source.into_iter(), 2, shuffle).map(|batch| batch.map(|b| b.rows)).collect();
        assert!(matches!(outcome.last(), Some(Err(DataError::Empty(text))) if text == "no more"));
        assert_eq!(outcome.iter().filter(|batch| batch.is_err()).count(), 1);
    }
}

#[test]
fn batches_that_do_not_fit_are_errors() {
    let mut unlike = rows(3..5);
    unlike.ids.swap(0, 1);
    let mut narrow = rows(3..5);
    narrow.dense.truncate(2);
    let mut short = rows(3..5);
    short.ids[0] = Ids::One(vec![1]);
    let mut backwards = rows(3..5);
    backwards.ids[1] = Ids::Many { offsets: vec![0, 5, 3], ids: vec![1, 2, 3] };
    let mut ragged = rows(3..5);
    ragged.labels.push(0.0);
    for bad in [unlike, narrow, short, backwards, ragged] {
        let source = vec![Ok(rows(0..3)), Ok(bad)];
        let outcome: Vec<_> = Batches::new(source.into_iter(), 10, None).collect();
        assert!(matches!(outcome[..], [Err(DataError::Batch(_))]), "{outcome:?}");
    }
    assert!(rows(0..3).slice(2..4).is_err());
    assert!(Batch::default().append_rows(&rows(0..3), &[3]).is_err());
}

#[test]
fn prefetching_keeps_order_and_stops_when_dropped() {
    for depth in [0, 1, 5] {
        let ahead = Prefetch::new(0..1000, depth).expect("a thread");
        assert!(ahead.eq(0..1000));
        let (sender, receiver) = std::sync::mpsc::channel();
        let endless = (0u64..).inspect(move |item| assert!(sender.send(*item).is_ok(), "the test listens"));
        let mut ahead = Prefetch::new(endless, depth).expect("a thread");
        assert_eq!(ahead.next(), Some(0));
        drop(ahead);
        // The iterator is gone with its thread, so its end of the channel is closed.
        let made = receiver.iter().count();
        assert!(made <= depth + 3, "{made}");
    }
}

#[test]
#[should_panic(expected = "on the other thread")]
fn a_panic_over_there_is_no_end_of_rows() {
    let mut ahead = Prefetch::new((0..3).map(|item| if item == 1 { panic!("on the other thread") } else { item }), 1)
        .expect("a thread");
    while ahead.next().is_some() {}
}
