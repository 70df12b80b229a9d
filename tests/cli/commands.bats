# Each command once, for the quick suite. The other files test the rest.
load helpers

setup_file()
{
    train_model
}

@test "train and resume" {
    cp -r "$MODEL" run
    does train --resume run --max-steps 8
    [ "$(tail -n 1 run/log.csv | cut -d , -f 1)" -eq 8 ]
}

@test "sample" {
    does sample "$MODEL" --length 40 --seed 1
    [ "${#output}" -eq 40 ]
}

@test "eval" {
    does eval "$MODEL" --json
    number_is '$1 > 0 && $1 < 10' "$(json loss)"
}

@test "inspect" {
    head -c 1000 "$english" >text.txt
    does inspect "$MODEL" text.txt -o out --format page,csv --passage 0:100
    [ -s out/index.html ]
    [ "$(wc -l <out/ablation.csv)" -eq 9 ]
    [ "$(tail -n 1 out/activations.csv | cut -d , -f 1)" -eq 999 ]
}

@test "info" {
    does info "$MODEL" --json
    [ "$(json hidden_size)" -eq 8 ]
}

@test "bench" {
    does bench --json --seconds 0.01 --hidden-size 8 --threads 1 --work train --batch-size 2
    [[ $output == *'"chars_per_second"'* ]]
}
