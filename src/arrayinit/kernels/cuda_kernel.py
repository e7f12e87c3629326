"""The template of a CUDA kernel, which fills a box by a program."""

from __future__ import annotations

KERNEL = r"""
typedef $word Word;

// The keys of the rounds, but for what the first two rounds compute alike in all threads.
struct Keys { Index of[2 * $rounds]; };

// A row has ``run`` neighbours in the logical array, and spans at most ``blocks`` blocks of the counter. The first
// ``outer`` axes count the rows. If there are none, the only row begins at ``skip`` in ``block``.
struct Box {
    Index block, skip, first, rows, blocks, run, whole;
    int outer, axes, apart;
    Index size[$axes], step[$axes];
    long long stride[$axes];
};

struct Numbers { $real value[$numbers]; };
struct Element { $part part[$parts]; };
typedef $vector Vector;
union Block {
    Element element[$per_block];
    unsigned int pair[$per_block * sizeof(Element) / 4];
    Vector vector[$per_block * sizeof(Element) / sizeof(Vector)];
};

// The results of one loop that another uses, for one element.
struct Kept { $kept };

__device__ __forceinline__ void convert(const Kept* all, Block& made) {
$converted
}

__device__ __forceinline__ void philox(Index block, Index stream, const Index* keys, Index* words) {
    // The first two rounds, where ``a`` is the first key, then those that are alike.
    Index a, b, c = __umul64hi(block, $first) ^ stream ^ keys[1], d = block * $first;
    a = __umul64hi(c, $second) ^ keys[2], b = c * $second, c = d ^ keys[3], d = keys[0];
    #pragma unroll
    for (int k = 2; k < $rounds; k++) {
        Index e = __umul64hi(c, $second) ^ b ^ keys[2 * k], f = __umul64hi(a, $first) ^ d ^ keys[2 * k + 1];
        b = c * $second, d = a * $first, a = e, c = f;
    }
    words[0] = a, words[1] = b, words[2] = c, words[3] = d;
}

__device__ __forceinline__ Word word(const Index* words, int k) {
    // The low half of a word comes first.
    return words[k * sizeof(Word) / 8] >> k * sizeof(Word) % 8 * 8;
}

extern "C" __global__ void __launch_bounds__($threads, $resident) draw(
    char* out,
    const __grid_constant__ Keys keys,
    const __grid_constant__ Box box,
    const __grid_constant__ Numbers numbers
) {
$shared
    // ``start`` is the index of the first element in its row, unsigned: before the beginning of a row is past its end.
    Index block = (Index) blockIdx.x * $threads + threadIdx.x, start;
    if (box.outer == 0) {
        start = block * $per_block - box.skip, block += box.block;
    } else {
        Index row = block / box.blocks, first = box.first;
        // A thread past the last row is past the end of a row. It goes on, for others wait for it.
        block = row < box.rows ? block % box.blocks : box.blocks;
        #pragma unroll 1
        for (int k = box.outer - 1; k >= 0; k--) {
            Index position = row % box.size[k];
            row /= box.size[k], first += position * box.step[k], out += (long long) position * box.stride[k];
        }
        start = block * $per_block - first % $per_block, block += first / $per_block;
    }
$words
    Kept all[$per_block];
$loops
    Index offset = start * sizeof(Element);
    if (start < box.whole & box.apart == sizeof(Element) & ((Index) out | offset) % sizeof(Vector) == 0) {
        Block made;
        convert(all, made);
        #pragma unroll
        for (int k = 0; k < sizeof(Block) / sizeof(Vector); k++) {
            ((Vector*) (out + offset))[k] = made.vector[k];
        }
        return;
    }
    // A loop of its own for each element would be long, and registers have no index: this block lies in memory.
    Block made;
    convert(all, made);
    #pragma unroll 1
    for (int k = 0; k < $per_block; k++) {
        Index position = start + k;
        if (position < box.run) {
            char* memory = out;
            #pragma unroll 1
            for (int axis = box.axes - 1; axis > box.outer; axis--) {
                memory += (long long) (position % box.size[axis]) * box.stride[axis];
                position /= box.size[axis];
            }
            *(Element*) (memory + (long long) position * box.stride[box.outer]) = made.element[k];
        }
    }
}
"""
